// What a scope with refs covers, and scopes as text.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Grant, type Scope, verbs } from '../../core/principal.ts';
import { covers, coversEverything, refLimits, uncoveredRefs } from '../../core/scope.ts';
import { formatScope, parseScope } from '../../core/scope-text.ts';
import { passthroughGrant } from '../../server/identity/passthrough.ts';

const grant = (...scopes: Scope[]): Grant => ({
  principal: passthroughGrant(undefined, 'f', Buffer.alloc(32)).principal,
  owner: null,
  scopes,
});
const own: Scope = { repository: 'hub/acme/*', verbs: ['fetch', 'push'], refs: ['refs/heads/agent/**'] };

describe('a scope with refs', () => {
  test('covers these refs and no others', () => {
    const limited = grant(own);
    const ask = (...refs: string[]) => covers(limited, 'hub/acme/app', 'push', refs);
    expect(ask('refs/heads/agent/a/b')).toBe(true);
    expect(ask('refs/heads/main')).toBe(false);
    expect(ask('refs/heads/agent/a', 'refs/heads/main')).toBe(false);
    expect(uncoveredRefs(limited, 'hub/acme/app', 'push', ['refs/heads/agent/a', 'refs/tags/v1'])).toEqual([
      'refs/tags/v1',
    ]);
    expect(covers(limited, 'hub/acme/app', 'push')).toBe(true);
    expect(covers(limited, 'hub/other/app', 'push', ['refs/heads/agent/a'])).toBe(false);
  });

  test('is told from one without', () => {
    expect(refLimits(grant(own), 'hub/acme/app', 'push')).toEqual(own.refs);
    expect(refLimits(grant(own, { ...own, refs: undefined }), 'hub/acme/app', 'push')).toBeUndefined();
    expect(
      coversEverything(grant({ repository: '**', verbs: ['audit'], refs: ['refs/heads/a'] }), 'audit'),
    ).toBe(false);
    expect(coversEverything(grant({ repository: '**', verbs: ['audit'] }), 'audit')).toBe(true);
  });

  test('does not lend its refs to another scope, nor what cannot be read to anybody', () => {
    const both = grant({ ...own, verbs: ['push'] }, { ...own, verbs: ['push'], refs: ['refs/tags/*', '{'] });
    expect(covers(both, 'hub/acme/app', 'push', ['refs/tags/v1'])).toBe(false);
    expect(covers(both, 'hub/acme/app', 'push', ['refs/heads/agent/x'])).toBe(true);
    const foreign = grant(own, { repository: 'hub/b/*', verbs: ['push'] });
    expect(covers(foreign, 'hub/acme/app', 'push', ['refs/heads/main'])).toBe(false);
  });
});

describe('a scope as text', () => {
  test.each<readonly [string, Scope]>([
    ['hub/acme/*:fetch,push', { repository: 'hub/acme/*', verbs: ['fetch', 'push'] }],
    ['**:audit', { repository: '**', verbs: ['audit'] }],
    [
      'hub/{a,b}/x:push@refs/heads/{agent,bot}/**,refs/tags/v*',
      {
        repository: 'hub/{a,b}/x',
        verbs: ['push'],
        refs: ['refs/heads/{agent,bot}/**', 'refs/tags/v*'],
      },
    ],
    [
      'hub/a/x:push@refs/heads/me@home',
      { repository: 'hub/a/x', verbs: ['push'], refs: ['refs/heads/me@home'] },
    ],
  ])('%s', (text, scope) => {
    expect(parseScope(text)).toEqual(scope);
    expect(formatScope(scope)).toBe(text);
  });

  test.each([
    '',
    'push',
    ':push',
    'hub/a:',
    'hub/a:pull',
    'hub/a:push@',
    'hub/a:push@refs/{a',
    '!a:push',
    'a:push,',
  ])('%s is none', (text) => {
    expect(parseScope(text)).toHaveProperty('fault');
  });

  test('is read back as it was written', () => {
    const name = fc.stringMatching(/^[a-z*]{1,5}$/);
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(
        path,
        fc.subarray([...verbs], { minLength: 1 }),
        fc.option(fc.array(path, { minLength: 1, maxLength: 3 }), { nil: undefined }),
        (repository, listed, refs) => {
          const scope = { repository, verbs: listed, ...(refs === undefined ? {} : { refs }) };
          expect(parseScope(formatScope(scope))).toEqual(scope);
        },
      ),
    );
  });
});
