// What is included covers nothing that the whole does not: for all globs that are tried.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { globIncluded } from '../../core/glob-inclusion.ts';
import { compileGlobs } from '../../core/glob.ts';
import type { Scope } from '../../core/principal.ts';
import { commonScopes, scopeIncluded } from '../../core/scope-inclusion.ts';

const segment = fc.constantFrom(
  'a',
  'b',
  'ab',
  '*',
  '**',
  'a*',
  '?',
  '[ab]',
  '{a,b}',
  '{a,b/*}',
  String.raw`\*`,
);
const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const text = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'c', '*', ''), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('/'));

describe('a glob', () => {
  test('that is included matches nothing that the others do not', () => {
    let included = 0;
    fc.assert(
      fc.property(
        pattern,
        fc.array(pattern, { minLength: 1, maxLength: 3 }),
        fc.array(text, { maxLength: 20 }),
        (narrow, wide, texts) => {
          if (!globIncluded(narrow, wide)) return;
          included++;
          const matches = compileGlobs([narrow]);
          const covers = compileGlobs(wide);
          for (const one of texts) if (matches(one)) expect(covers(one)).toBe(true);
        },
      ),
      { numRuns: 5_000 },
    );
    expect(included).toBeGreaterThan(100);
  });

  test.each<readonly [string, readonly string[], boolean]>([
    ['a/b', ['a/*'], true],
    ['a/b/c', ['a/*'], false],
    ['a/b/c', ['a/**'], true],
    ['a/**', ['a/**'], true],
    ['a/**', ['a/*'], false],
    ['a/*', ['a/**'], true],
    ['a/*/c', ['a/**/c'], true],
    ['**', ['a/**'], false],
    ['a/{b,c}', ['a/b', 'a/c'], true],
    ['a/{b,d}', ['a/b', 'a/c'], false],
    ['a/b*', ['a/*'], true],
    ['a/*', ['a/b*'], false],
    ['a', ['a/**'], true],
  ])('%s in %j is %s', (narrow, wide, expected) => {
    expect(globIncluded(narrow, wide)).toBe(expected);
  });
});

describe('a scope', () => {
  const wide: readonly Scope[] = [
    { repository: 'hub/Acme/*', verbs: ['fetch', 'push'], refs: ['refs/heads/agent/**'] },
    { repository: 'hub/acme/docs', verbs: ['push'] },
  ];

  test.each<readonly [Scope, boolean]>([
    [{ repository: 'hub/acme/app', verbs: ['fetch'] }, true],
    [{ repository: 'HUB/acme/app', verbs: ['fetch', 'push'], refs: ['refs/heads/agent/x'] }, true],
    [{ repository: 'hub/acme/app', verbs: ['push'] }, false],
    [{ repository: 'hub/acme/docs', verbs: ['push'] }, true],
    [{ repository: 'hub/acme/app', verbs: ['push', 'admin'], refs: ['refs/heads/agent/x'] }, false],
    [{ repository: 'hub/**', verbs: ['fetch'] }, false],
    [{ repository: '{', verbs: ['fetch'] }, false],
  ])('%j', (asked, expected) => {
    expect(scopeIncluded(asked, wide)).toBe(expected);
  });

  test('in common is what lies within both', () => {
    const other: readonly Scope[] = [{ repository: 'hub/acme/app', verbs: ['push', 'approve'] }];
    expect(commonScopes(wide, other)).toEqual([]);
    const limited: readonly Scope[] = [
      { repository: 'hub/acme/app', verbs: ['push'], refs: ['refs/heads/agent/one'] },
    ];
    expect(commonScopes(wide, limited)).toEqual(limited);
    expect(commonScopes(limited, wide)).toEqual(limited);
    expect(commonScopes(wide, wide)).toEqual(wide);
  });
});
