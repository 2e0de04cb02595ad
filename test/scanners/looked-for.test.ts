// What spares the slower look must never spare one that would have found something: ends of labels, beginnings of names of
// credentials, matches where literals stand.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { indexLiterals, literalPlaces } from '../../scanners/literal-index.ts';
import { matchesAt, matchesOf } from '../../scanners/matches.ts';
import { abbreviations, endings, fillers, lexicon } from '../../scanners/phi/field-names.ts';
import { fieldKind } from '../../scanners/phi/fields.ts';
import { mayEndLabel } from '../../scanners/phi/label-ends.ts';
import { nameLiterals, namePattern, nameStarts } from '../../scanners/secrets/credential-names.ts';

const names = Object.values(lexicon)
  .flatMap((kind) => kind.split(/ +/))
  .filter((name) => name !== '');
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...names) },
  { weight: 2, arbitrary: fc.constantFrom(...fillers, ...Object.keys(abbreviations), ...endings) },
  fc.constantFrom('patient', 'member', 'home', 'support', 'Record', 'Prénom', '#', 'x'),
);
const written = fc.oneof(
  word,
  word.map((text) => text.charAt(0).toUpperCase() + text.slice(1)),
  word.map((text) => text.toUpperCase()),
);
const label = fc
  .array(fc.tuple(written, fc.constantFrom('', ' ', '_', '-', '. ', ' *')), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.flat().join(''));

/** A line behind another one. */
function lineOf(text: string): { readonly bytes: Uint8Array; readonly start: number; readonly text: string } {
  return { bytes: Buffer.from(`key-1 token\n${text}`), start: 12, text };
}

describe('a label that names a field', () => {
  test('is never sent away by its end', () => {
    let named = 0;
    fc.assert(
      fc.property(label, fc.constantFrom('', ' #', '_', ' **'), (text, behind) => {
        const known = fieldKind(text) ?? fieldKind(`${text} #`);
        if (known === undefined) return;
        named++;
        const view = Buffer.from(`say ${text}${behind}`).toString('latin1');
        expect(mayEndLabel(view, view.length), text).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    expect(named).toBeGreaterThan(5_000);
  });

  test('is sent away where no word of it names one', () => {
    for (const text of ['### ', 'the following', 'has_many', 'NOTE', 'MyController', 'https'])
      expect(mayEndLabel(text, text.length), text).toBe(false);
  });
});

test('names of credentials begin where they are looked for', () => {
  const everywhere = new RegExp(namePattern, 'gi');
  const index = indexLiterals([nameStarts]);
  const part = fc.constantFrom(
    ...nameLiterals,
    ...nameStarts,
    'word',
    'phrase',
    'code',
    '-',
    '_',
    ' ',
    'x',
    'o',
    'ORD',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const text = parts.join('');
      const found = matchesOf(everywhere, text).map(({ index: at, 0: name }) => [at, name]);
      const sticky = matchesAt(new RegExp(namePattern, 'iy'), index, lineOf(text));
      expect(sticky.map(({ index: at, 0: name }) => [at, name])).toEqual(found);
    }),
    { numRuns: 20_000 },
  );
});

test('literals are found at their places, in upper case only where they are written so', () => {
  const index = indexLiterals([['key-0'], ['AKIA', 'token']]);
  expect(literalPlaces(index, lineOf('KEY-7 akia AKIA Token'))).toEqual([0, 0, 1, 11, 1, 16]);
  expect(literalPlaces(index, lineOf('ke'))).toEqual([]);
});
