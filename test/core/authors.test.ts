// Who may be named in commits: addresses, names, domains, trailers and keys, as the policy writes them.
import { stringify } from 'yaml';
import { describe, expect, test } from 'vitest';
import { parsePolicy } from '../../core/policy.ts';
import { compileAuthors, type AuthorJudge } from '../../core/policy/authors.ts';
import { readSshKey } from '../../core/policy/signing-key.ts';
import { readTrailers } from '../../core/trailers.ts';

const keyBlob = (seed: number): string => {
  const type = Buffer.from('ssh-ed25519');
  const length = (bytes: Uint8Array): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length);
    return head;
  };
  const key = Buffer.alloc(32, seed);
  return Buffer.concat([length(type), type, length(key), key]).toString('base64');
};
const ssh = (seed: number): string => `ssh-ed25519 ${keyBlob(seed)} somebody`;
const fingerprint = (seed: number): string => readSshKey(ssh(seed))?.fingerprint ?? '';

const identities = [
  { principal: 'agent:*', emails: ['{name}+bot@example.com', 'subject-{subject}@example.com'] },
  { principal: 'human:ada', emails: ['ada@example.org'], names: ['Ada Lovelace'] },
  { principal: ['human:operator', 'human:op2'], emails: ['Operator@Example.org'] },
];

function judge(authors: object, onBehalfOf: readonly string[] = ['human:operator']): AuthorJudge {
  const { authors: read } = parsePolicy(stringify({ authors, rules: [] }), 'p.yaml');
  return compileAuthors(read).judgeFor({ id: 'agent:coder', subject: 'c-1', onBehalfOf });
}

const strict = judge({ mode: 'strict', identities });
const domain = judge({ mode: 'domain', domains: ['example.org', '*.example.net'], identities });

const passes = (by: AuthorJudge, address: string, name = 'Somebody'): boolean =>
  by.person('author', name, address) === undefined;

describe('addresses', () => {
  test.each([
    ['coder+bot@example.com', true],
    ['CODER+BOT@EXAMPLE.COM', true],
    ['subject-c-1@example.com', true],
    ['operator@example.org', true],
    ['other+bot@example.com', false],
    ['ada@example.org', false],
    ['somebody@example.org', false],
    ['coder+bot@example.com.evil.example', false],
    ['coder', false],
    ['', false],
  ])('strict: %s', (address, expected) => {
    expect(passes(strict, address)).toBe(expected);
  });

  test.each([
    ['somebody@example.org', true],
    ['somebody@a.example.net', true],
    ['somebody@example.net', false],
    ['somebody@badexample.org', false],
    ['somebody@example.org.evil.example', false],
    ['@example.org', false],
    // Whose it is is known.
    ['ada@example.org', false],
  ])('domain: %s', (address, expected) => {
    expect(passes(domain, address)).toBe(expected);
  });

  test('an id that is an address is one', () => {
    const acting = judge({ mode: 'strict' }, ['human:Grace@Example.org']);
    expect(passes(acting, 'grace@example.org')).toBe(true);
    expect(passes(acting, 'coder')).toBe(false);
    expect(acting.person('author', 'X', 'x@y.example')?.message).toContain(
      'It commits as grace@example.org.',
    );
    expect(judge({ mode: 'strict' }, []).person('author', 'X', 'x@y.example')?.message).toContain(
      'ask the policy owner',
    );
  });

  test('a name that belongs to somebody else', () => {
    expect(passes(strict, 'coder+bot@example.com', 'Ada Lovelace')).toBe(false);
    expect(passes(strict, 'coder+bot@example.com', 'ada lovelace')).toBe(false);
    const ada = judge({ mode: 'strict', identities }, ['human:ada']);
    expect(passes(ada, 'ada@example.org', 'Ada Lovelace')).toBe(true);
    expect(passes(ada, 'ada@example.org', 'Somebody')).toBe(false);
  });

  test('are told masked', () => {
    const found = strict.person('committer', 'Eve', 'eve@example.net');
    expect(found).toMatchObject({ rule: 'policy/author-mismatch', masked: 'e***@example.net' });
    expect(found?.message).not.toContain('eve@');
    expect(found?.message).toMatch(/^The committer .*agent:coder for human:operator/);
  });
});

describe('trailers', () => {
  const judged = (line: string): boolean => {
    const read = readTrailers(Buffer.from(`Subject\n\nText\n\n${line}\n`));
    expect(read.length).toBe(1);
    return read.every((trailer) => strict.trailer(trailer) === undefined);
  };
  test.each([
    ['Agent: agent:coder', true],
    ['agent : coder', true],
    ['On-behalf-of: human:operator', true],
    ['On-behalf-of: agent:coder', true],
    ['On-behalf-of: Op <operator@example.org>', true],
    ['Co-authored-by: Somebody <somebody@example.net>', true],
    ['Co-authored-by: Op <operator@example.org>', true],
    ['Agent: agent:other', false],
    ['Agent: human:operator', false],
    ['On-behalf-of: human:ada', false],
    ['on-behalf-of: Op <ada@example.org>', false],
    ['Co-authored-by: A <ADA@example.org>', false],
    ['Co-authored-by: Ada Lovelace <x@example.net>', false],
  ])('%s', (line, expected) => {
    expect(judged(line)).toBe(expected);
  });

  test('stand in the last paragraph, which is not the first', () => {
    const keys = (text: string): readonly string[] =>
      readTrailers(Buffer.from(text)).map(({ value }) => value);
    expect(keys('Agent: x')).toEqual([]);
    expect(keys('S\n\nAgent: x\n\nProse.')).toEqual([]);
    expect(keys('S\r\n\r\nProse\r\nAgent: x\r\nAgent:\r\n')).toEqual(['x']);
    expect(keys(`S\n\n${'y'.repeat(20_000)}\n\nAgent: z`)).toEqual(['z']);
    expect(keys('')).toEqual([]);
  });
});

describe('keys', () => {
  const authors = {
    mode: 'strict',
    identities,
    signers: [
      { id: 'own', principal: 'agent:coder', ssh: [ssh(1)] },
      { id: 'ada', principal: 'human:ada', ssh: [ssh(2)] },
      { id: 'old', principal: 'agent:coder', ssh: [ssh(3)], validUntil: '2026-01-01T00:00:00Z' },
      { id: 'web', forge: true, ssh: [ssh(4)] },
    ],
  };
  test('belong to somebody, for a time', () => {
    const by = judge(authors);
    const kindAt = (seed: number, at: string): string => by.holder(fingerprint(seed), new Date(at)).kind;
    expect([1, 2, 3, 4, 5].map((seed) => kindAt(seed, '2025-12-31T23:59:59Z'))).toEqual([
      'own',
      'other',
      'own',
      'forge',
      'unknown',
    ]);
    expect(kindAt(3, '2026-01-01T00:00:00Z')).toBe('expired');
    const other = by.holder(fingerprint(2), new Date());
    expect(
      other.kind === 'other' && [other.covers('Ada@example.org'), other.covers('eve@example.org')],
    ).toEqual([true, false]);
  });
});

describe('a policy is refused', () => {
  test.each([
    ['without the domains of its mode', { mode: 'domain' }, 'needs `domains`'],
    [
      'with an address that is none',
      { mode: 'strict', identities: [{ principal: 'a', emails: ['x y'] }] },
      'e-mail',
    ],
    [
      'with an unknown placeholder',
      { mode: 'strict', identities: [{ principal: 'a', emails: ['{mail}'] }] },
      'in braces',
    ],
    ['with a signer without keys', { mode: 'off', signers: [{ id: 'a', principal: 'agent:a' }] }, 'has keys'],
    [
      'with a key of two',
      {
        mode: 'off',
        signers: [
          { id: 'a', forge: true, ssh: [ssh(1)] },
          { id: 'b', forge: true, ssh: [ssh(1)] },
        ],
      },
      'twice',
    ],
    [
      'with a forge that is somebody',
      { mode: 'off', signers: [{ id: 'a', forge: true, principal: 'agent:a', ssh: [ssh(1)] }] },
      'or a forge',
    ],
    [
      'with a private key',
      { mode: 'off', signers: [{ id: 'a', forge: true, ssh: ['-----BEGIN OPENSSH'] }] },
      'public key',
    ],
    [
      'with a key whose blob is of another kind',
      { mode: 'off', signers: [{ id: 'a', forge: true, ssh: [`ssh-rsa ${keyBlob(1)}`] }] },
      'public key',
    ],
    [
      'with an OpenPGP key that is none',
      { mode: 'off', signers: [{ id: 'a', forge: true, gpg: ['x'] }] },
      'OpenPGP',
    ],
    ['with an unknown mode', { mode: 'lenient' }, 'strict'],
  ])('%s', (_what, authors, message) => {
    expect(() => judge(authors)).toThrow(message);
  });
});
