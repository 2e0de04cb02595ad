// The form of guard tokens and the reading of the Authorization header, without a database.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuardError } from '../../core/errors.ts';
import { refusalOf } from '../../core/identity-refusal.ts';
import { covers } from '../../core/scope.ts';
import type { Grant, Scope } from '../../core/principal.ts';
import { readToken } from '../../server/identity/authorization.ts';
import { formOf, hashToken, mintToken } from '../../server/identity/guard-token.ts';
import { passthroughGrant } from '../../server/identity/passthrough.ts';

describe('a guard token', () => {
  test('has the documented form and is never the same', () => {
    const tokens = Array.from({ length: 200 }, mintToken);
    for (const token of tokens) {
      expect(token).toMatch(/^fg_[0-9A-Za-z]{42}$/);
      expect(formOf(token)).toBe('guard-token');
      expect(hashToken(token)).toHaveLength(32);
    }
    expect(new Set(tokens).size).toBe(200);
  });

  test('carries the CRC-32 of its random part', () => {
    // CRC-32 of 36 times "A", by another implementation, in base62.
    const random = 'A'.repeat(36);
    let rest = crc(random);
    let digits = '';
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    for (let place = 0; place < 6; place++) {
      digits = alphabet.charAt(rest % 62) + digits;
      rest = Math.floor(rest / 62);
    }
    expect(formOf(`fg_${random}${digits}`)).toBe('guard-token');
  });

  test('is told from look-alikes: any changed character is found', () => {
    fc.assert(
      fc.property(fc.nat(41), fc.constantFrom('0', 'Z', 'a', 'z', '9'), (at, char) => {
        const token = mintToken();
        const changed = token.slice(0, 3 + at) + char + token.slice(4 + at);
        expect(formOf(changed)).toBe(changed === token ? 'guard-token' : 'bad-checksum');
      }),
    );
    expect(formOf('ghp_x')).toBe('unknown-kind');
    expect(formOf('fg_short')).toBe('bad-checksum');
    expect(formOf(`${mintToken()}x`)).toBe('bad-checksum');
  });
});

/** Bitwise CRC-32 (IEEE 802.3, reflected). */
function crc(text: string): number {
  let value = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}

function refusal(header: string | undefined): [string, string | undefined] {
  try {
    readToken(header);
  } catch (error) {
    if (error instanceof GuardError) return [error.code, refusalOf(error)?.reason];
  }
  return ['accepted', undefined];
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('the Authorization header', () => {
  test.each([
    [basic('x:secret'), 'secret'],
    [basic(':secret'), 'secret'],
    [basic('user:with:colons'), 'with:colons'],
    ['bearer secret', 'secret'],
    ['Bearer  secret ', 'secret'],
    ['token secret', 'secret'],
  ])('%s', (header, token) => {
    expect(readToken(header)).toBe(token);
  });

  test.each([
    [undefined, 'identity/missing', 'missing'],
    ['', 'identity/missing', 'missing'],
    [basic('x:'), 'identity/missing', 'missing'],
    ['Bearer', 'identity/invalid', 'malformed'],
    ['Bearer a b', 'identity/invalid', 'malformed'],
    ['Bearer a\u00e9', 'identity/invalid', 'malformed'],
    ['Digest x', 'identity/invalid', 'malformed'],
    ['Basic !!!', 'identity/invalid', 'malformed'],
    [basic('nocolon'), 'identity/invalid', 'malformed'],
    [`Bearer ${'a'.repeat(8_192)}`, 'identity/invalid', 'oversized'],
  ])('%.30s is refused', (header, code, reason) => {
    expect(refusal(header)).toEqual([code, reason]);
  });

  test('never fails in another way and is never quoted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const header of [text, `Basic ${text}`, `Bearer ${text}`, basic(text)]) {
          try {
            readToken(header);
          } catch (error) {
            expect(error).toBeInstanceOf(GuardError);
            expect(['this guard needs to know who you are', 'the token was not accepted']).toContain(
              (error as GuardError).message,
            );
          }
        }
      }),
    );
  });
});

describe('a scope', () => {
  const grant = (...scopes: Scope[]): Grant => ({
    principal: passthroughGrant(undefined, 'f', Buffer.alloc(32)).principal,
    owner: null,
    scopes,
  });

  test.each([
    ['github/acme/*', 'push', 'github/acme/api', 'push', true],
    ['GitHub/Acme/*', 'push', 'github/acme/api', 'push', true],
    ['github/acme/*', 'push', 'github/acme/api', 'fetch', false],
    ['github/acme/*', 'push', 'github/acme/group/api', 'push', false],
    ['github/acme/**', 'push', 'github/acme/group/api', 'push', true],
    ['github/acme/*', 'push', 'gitea/acme/api', 'push', false],
    ['{', 'push', '{', 'push', false],
  ] as const)('%s:%s on %s:%s is %s', (repository, verb, asked, askedVerb, expected) => {
    expect(covers(grant({ repository, verbs: [verb] }), asked, askedVerb)).toBe(expected);
  });

  test('does not borrow a verb from another scope', () => {
    const both = grant({ repository: 'a/*', verbs: ['fetch'] }, { repository: 'b/*', verbs: ['push'] });
    expect(covers(both, 'a/x', 'push')).toBe(false);
    expect(covers(both, 'b/x', 'push')).toBe(true);
    expect(covers(grant(), 'a/x', 'fetch')).toBe(false);
  });
});

test('a passed-through credential is known again and not revealed', () => {
  const key = Buffer.alloc(32, 1);
  const header = basic('me:open sesame');
  const once = passthroughGrant(header, 'hub', key);
  expect(passthroughGrant(header, 'hub', key)).toEqual(once);
  expect(passthroughGrant(header, 'hub', Buffer.alloc(32, 2)).principal.id).not.toBe(once.principal.id);
  expect(passthroughGrant(header, 'other', key).principal.id).not.toBe(once.principal.id);
  expect(once.principal).toMatchObject({ kind: 'workload', proof: 'passthrough', issuer: 'hub' });
  expect(covers(once, 'hub/a/b', 'push')).toBe(true);
  expect(covers(once, 'hub/a/b', 'admin')).toBe(false);
  expect(passthroughGrant(undefined, 'hub', key).principal.id).toBe('workload:passthrough/anonymous');
  expect(() => passthroughGrant('x'.repeat(9_000), 'hub', key)).toThrow(GuardError);
});
