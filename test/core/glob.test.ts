// Globs: against an independent implementation on random patterns, by examples, and with hostile texts.
import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { compileGlobs, compileRepositoryGlobs, expandBraces, GlobError } from '../../core/glob.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b', '.', 'x', '-'), minLength: 1, maxLength: 4 });
const segment = fc.oneof(
  { weight: 3, arbitrary: word },
  { weight: 1, arbitrary: fc.constant('**') },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.constantFrom('a', 'b', 'x', '*', '?', '[ab]', '[^a]'), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('').replaceAll(/\*+/g, '*')),
  },
);
const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
const text = fc
  .array(
    word.filter((each) => !/^\.+$/.test(each)),
    { minLength: 1, maxLength: 5 },
  )
  .map((segments) => segments.join('/'));

describe('a glob', () => {
  test('matches what picomatch matches', () => {
    fc.assert(
      fc.property(pattern, text, (glob, path) => {
        // picomatch reads "./" and a lone "." as the current directory; no Git path has them.
        // It also asks for a slash where a pattern ends in "*/**", against its own rule for "a/**".
        fc.pre(
          !glob.endsWith('*/**') &&
            !glob.split('/').some((each) => /^\.+$/.test(each)) &&
            !glob.includes('//'),
        );
        expect(compileGlobs([glob])(path)).toBe(
          picomatch(glob, { dot: true, nobrace: true, noextglob: true })(path),
        );
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ['**', 'a/b/c', true],
    ['*', 'a/b', false],
    ['*', '.hidden', true],
    ['src/**', 'src', true],
    ['src/**', 'srcs/a', false],
    ['**/CODEOWNERS', 'CODEOWNERS', true],
    ['**/CODEOWNERS', 'docs/CODEOWNERS', true],
    ['CODEOWNERS', 'docs/CODEOWNERS', false],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['**/m/**', 'm', true],
    ['{a,b/{c,d}}/e', 'b/d/e', true],
    ['{,x}a', 'a', true],
    [String.raw`a\*`, 'a*', true],
    [String.raw`a\*`, 'ab', false],
    [String.raw`\{a,b\}`, '{a,b}', true],
    ['?', '😀', true],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['Dockerfile', 'dockerfile', false],
    ['file.{yml,yaml}', 'file.yaml', true],
    ['a]', 'a]', true],
  ])('%s on %s: %s', (glob, path, expected) => {
    expect(compileGlobs([glob])(path)).toBe(expected);
  });

  test('over repositories disregards letter case', () => {
    expect(compileRepositoryGlobs(['GitHub/Acme/*'])('github/acme/api')).toBe(true);
  });

  test.each([
    ['', /empty/],
    ['!a', /`not`/],
    ['/a', /leading/],
    ['./a', /leading/],
    ['a/', /directory\/\*\*/],
    ['+(a)', /extended/],
    ['{a', /no "}"/],
    ['a}', /no "{"/],
    ['{a}', /commas/],
    ['[a', /no "]"/],
    ['[z-a]', /turned round/],
    ['[[:alpha:]]', /class/],
    ['a\\', /followed/],
    ['a'.repeat(1_025), /1024/],
    ['{a,b}'.repeat(9), /256/],
  ])('refuses %s', (glob, message) => {
    expect(() => compileGlobs([glob])).toThrow(GlobError);
    expect(() => compileGlobs([glob])).toThrow(message);
  });

  test('expands braces in the order in which they are written', () => {
    expect(expandBraces('{a,b}{1,2}')).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  test('is linear on hostile texts', () => {
    const matches = compileGlobs(['**/*a*a*a*a*a*a*a*a*b', `${'**/a/'.repeat(50)}b`]);
    const started = performance.now();
    for (let round = 0; round < 100; round++) {
      expect(matches('a'.repeat(4_096))).toBe(false);
      expect(matches('a/'.repeat(2_000))).toBe(false);
    }
    // Backtracking would take longer than the age of the universe; the bound only tells that apart.
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
