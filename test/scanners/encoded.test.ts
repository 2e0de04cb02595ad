// Values that stand encoded in a file: found through the encoding, at exactly the bytes that stand for them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../scanners/scan.ts';
import { alphanumeric, checked, glue, scrambled, ssn } from './values.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });
const token = checked(glue('gh', 'p_'), 30);

async function spans(
  text: string,
  rule: string,
  encoding: BufferEncoding = 'utf8',
): Promise<readonly string[]> {
  const bytes = Buffer.from(text, encoding);
  const { findings } = await scanner.scan({ kind: 'file', path: 'a.txt' }, bytes);
  return findings
    .filter((finding) => finding.rule === rule)
    .map(({ byteStart, byteEnd }) => bytes.subarray(byteStart, byteEnd).toString(encoding));
}

const unicode = (text: string) =>
  Array.from(text, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const percent = (text: string) =>
  Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const entity = (text: string) => Array.from(text, (char) => `&#${char.charCodeAt(0)};`).join('');

describe('escapes', () => {
  test.each([
    ['\\u', unicode],
    ['\\x', (text: string) => Array.from(text, (c) => `\\x${c.charCodeAt(0).toString(16)}`).join('')],
    ['%', percent],
    ['&#', entity],
    ['&#x', (text: string) => Array.from(text, (c) => `&#x${c.charCodeAt(0).toString(16)};`).join('')],
  ])('%s is decoded, with exact offsets', async (_, write) => {
    const before = fc.string({ maxLength: 20, unit: fc.constantFrom('a', ' ', 'é', '💊', '\n') });
    await fc.assert(
      fc.asyncProperty(before, async (head) => {
        expect(await spans(`${head} ssn: ${write(ssn)} end`, 'phi/ssn')).toEqual([write(ssn)]);
        expect(await spans(`${head} ssn: ${write(ssn)} end`, 'phi/ssn', 'utf16le')).toEqual([write(ssn)]);
      }),
      { numRuns: 30 },
    );
  });

  test('may hide a part only', async () => {
    const hidden = `${ssn.slice(0, 4)}${unicode(ssn.slice(4, 6))}${ssn.slice(6)}`;
    expect(await spans(`ssn: ${hidden}\n`, 'phi/ssn')).toEqual([hidden]);
  });

  test('are decoded once only', async () => {
    expect(await spans(`ssn: ${percent(percent(ssn))}\n`, 'phi/ssn')).toEqual([]);
  });
});

describe('base64 and hex', () => {
  test.each(['base64', 'base64url', 'hex'] as const)('%s is decoded, wherever it begins', async (form) => {
    const words = fc.string({ maxLength: 40, unit: fc.constantFrom('a', 'word', ' ', '\n', 'é') });
    await fc.assert(
      fc.asyncProperty(words, words, async (head, tail) => {
        const run = Buffer.from(`patient text, ssn: ${ssn}, ${tail}`).toString(form);
        const found = await spans(`${head} "${run}" x`, 'phi/ssn');
        expect(found).toHaveLength(1);
        expect(Buffer.from(found[0] ?? '', form).toString()).toContain(ssn);
        expect((found[0] ?? '').length).toBeLessThanOrEqual(form === 'hex' ? 22 : 20);
      }),
      { numRuns: 60 },
    );
  });

  test('a token in a Kubernetes secret is found', async () => {
    const run = Buffer.from(token).toString('base64');
    expect(await spans(`data:\n  token: ${run}\n`, 'secret/github-token')).toHaveLength(1);
  });

  test('random bytes are not taken for text', async () => {
    const bytes = Buffer.from(scrambled(4_000, alphanumeric));
    const { findings } = await scanner.scan({ kind: 'file', path: 'a.js' }, bytes);
    expect(findings).toEqual([]);
  });
});
