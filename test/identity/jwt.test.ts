// Tokens of an issuer: what is accepted, and everything that is not.
import { createHmac, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GuardError } from '../../core/errors.ts';
import { audience, type IdentityBench, identityBench } from '../support/identity-bench.ts';
import { forgedToken, partsOf, startIssuer } from '../support/issuer.ts';

let bench: IdentityBench;
beforeAll(async () => {
  bench = await identityBench();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const seconds = (): number => Math.floor(Date.now() / 1_000);

test('stands for whom the rule says, and the log knows before it is honoured', async () => {
  const token = await bench.token({ claims: { jti: 'first' } });
  const grant = await bench.guard.prove(token, 'forge/team/app');
  expect(grant).toMatchObject({
    principal: {
      kind: 'agent',
      id: 'agent:ci',
      issuer: bench.issuer.url,
      subject: 'ci',
      onBehalfOf: ['human:ada'],
      delegation: [{ id: 'human:ada', issuer: bench.issuer.url, subject: 'ada', proof: 'named' }],
      proof: 'oidc',
    },
    owner: 'human:ada',
    scopes: [{ repository: 'forge/team/*', verbs: ['fetch', 'push'], refs: ['refs/heads/agent/**'] }],
  });
  const { session } = grant.principal;
  expect(session).toMatch(/^jwt-[0-9a-f]{32}$/);
  const opened = bench.events.filter((event) => event.request === session);
  expect(opened).toMatchObject([
    {
      action: 'session.opened',
      actor: { id: 'agent:ci' },
      details: { how: 'presented', rule: 0, owner: 'human:ada' },
    },
  ]);
  await bench.anotherGuard().prove(token);
  expect(bench.events.filter((event) => event.request === session)).toHaveLength(1);
  expect(JSON.stringify(bench.events)).not.toContain(token.split('.')[2]);
});

describe('is refused', () => {
  const refusedAs = async (token: string, reason: string): Promise<void> => {
    expect(await bench.guard.refusal(token)).toBe(reason);
  };

  test('for another audience', async () => {
    await refusedAs(await bench.token({ claims: { aud: 'https://other.example' } }), 'wrong-audience');
    await refusedAs(await bench.token({ claims: { aud: undefined } }), 'wrong-audience');
    await refusedAs(await bench.token({ claims: { aud: [] } }), 'wrong-audience');
    await refusedAs(await bench.token({ claims: { aud: ['https://other.example', audience] } }), 'accepted');
  });

  test('of another issuer, and of none', async () => {
    await using other = await startIssuer();
    await refusedAs(await other.token({ claims: { sub: 'ci', aud: audience } }), 'unknown-issuer');
    await refusedAs(await bench.token({ claims: { iss: `${bench.issuer.url}/` } }), 'unknown-issuer');
    await refusedAs(await bench.token({ claims: { iss: undefined } }), 'unknown-issuer');
    // Signed by the other one in the name of the first.
    const posing = await other.token({ claims: { iss: bench.issuer.url, sub: 'ci', aud: audience } });
    await refusedAs(posing, 'unknown-key');
    const kid = String(bench.issuer.jwks().keys[0]?.['kid']);
    const named = await other.token({
      header: { kid },
      claims: { iss: bench.issuer.url, sub: 'ci', aud: audience },
    });
    await refusedAs(named, 'bad-signature');
  });

  test('expired, not yet valid, from the future, and older than it may be', async () => {
    const now = seconds();
    await refusedAs(await bench.token({ claims: { iat: now - 100, exp: now - 10 } }), 'expired');
    await refusedAs(await bench.token({ claims: { nbf: now + 60 } }), 'not-yet-valid');
    await refusedAs(await bench.token({ claims: { iat: now + 60 } }), 'not-yet-valid');
    await refusedAs(await bench.token({ claims: { iat: now - 4_000 } }), 'too-old');
    await refusedAs(await bench.token({ claims: { exp: undefined } }), 'malformed');
    await refusedAs(
      await bench.token({ claims: { exp: now - 2, iat: now - 60, jti: 'skewed' } }),
      'accepted',
    );
  });

  test('without a signature, and with one that anybody can make', async () => {
    const { header, claims } = partsOf(await bench.token());
    await refusedAs(
      forgedToken({ ...header, alg: 'none' }, claims, () => ''),
      'bad-algorithm',
    );
    await refusedAs(
      forgedToken({ ...header, alg: 'NONE' }, claims, () => ''),
      'bad-algorithm',
    );
    const [jwk] = bench.issuer.jwks().keys;
    const pem = createPublicKey({ key: jwk ?? {}, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    for (const key of [pem, JSON.stringify(jwk), '']) {
      const hmac = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
      await refusedAs(forgedToken({ ...header, alg: 'HS256' }, claims, hmac), 'bad-algorithm');
    }
  });

  test('tampered with, in any part', async () => {
    const token = await bench.token();
    const { header, claims, signature } = partsOf(token);
    const changed = forgedToken(header, { ...claims, sub: 'admin' }, () => signature);
    await refusedAs(changed, 'bad-signature');
    const [head = '', body = ''] = token.split('.');
    const turned = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    await refusedAs(`${head}.${body}.${turned}`, 'bad-signature');
    await refusedAs(`${head}.${body}.`, 'bad-signature');
    await refusedAs(`${token}.x`, 'unknown-kind');
  });

  test('of another type, and with an extension that must be understood', async () => {
    await refusedAs(await bench.token({ header: { typ: 'logout+jwt' } }), 'bad-type');
    await refusedAs(await bench.token({ header: { typ: 'dpop+jwt' } }), 'bad-type');
    await refusedAs(await bench.token({ header: { typ: 'at+jwt' } }), 'accepted');
    const { header, claims } = partsOf(await bench.token());
    await refusedAs(
      forgedToken({ ...header, crit: ['x'], x: 1 }, claims, () => 'AAAA'),
      'bad-type',
    );
    await refusedAs(
      forgedToken({ ...header, crit: ['b64'], b64: false }, claims, () => 'AAAA'),
      'bad-signature',
    );
  });

  test('with keys that it brings along', async () => {
    await using other = await startIssuer();
    const jwk = other.jwks().keys[0];
    const token = await other.token({
      header: { jwk, jku: `${other.url}/jwks`, x5u: `${other.url}/x` },
      claims: { iss: bench.issuer.url, sub: 'ci', aud: audience },
    });
    await refusedAs(token, 'unknown-key');
    expect(other.asked()).toBe(0);
  });

  test('that is too long, and whose subject is missing', async () => {
    await refusedAs(await bench.token({ claims: { filler: 'x'.repeat(9_000) } }), 'oversized');
    await refusedAs(await bench.token({ claims: { sub: undefined } }), 'malformed');
    await refusedAs(await bench.token({ claims: { sub: '' } }), 'malformed');
    await refusedAs(await bench.token({ claims: { jti: '' } }), 'malformed');
  });

  test('where no rule speaks of it, or where somebody acts for its subject', async () => {
    await refusedAs(await bench.token({ claims: { sub: 'somebody' } }), 'no-rule');
    await refusedAs(await bench.token({ claims: { act: { sub: 'agent' } } }), 'delegated');
  });
});

test('whatever is sent is refused, and nothing else happens', async () => {
  const good = await bench.token();
  const text = fc.stringMatching(/^[A-Za-z0-9_-]{0,40}$/);
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string()));
  const object = fc.dictionary(
    fc.constantFrom(
      'alg',
      'kid',
      'typ',
      'crit',
      'iss',
      'sub',
      'aud',
      'exp',
      'nbf',
      'iat',
      'jti',
      'act',
      '__proto__',
    ),
    value,
  );
  const encoded = object.map((one) => Buffer.from(JSON.stringify(one)).toString('base64url'));
  const cut = fc.nat(good.length).map((at) => good.slice(0, at));
  const swapped = fc
    .tuple(fc.nat(good.length - 1), fc.constantFrom('A', '.', '_', '='))
    .map(([at, char]) => good.slice(0, at) + char + good.slice(at + 1));
  const issuer = encoded.map((claims) => claims);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        cut,
        swapped,
        fc.tuple(fc.oneof(encoded, text), fc.oneof(issuer, text), text).map((parts) => parts.join('.')),
      ),
      async (token) => {
        fc.pre(token !== good);
        const reason = await bench.guard.refusal(token === '' ? 'x' : token).catch((error: unknown) => error);
        expect(reason).toBeTypeOf('string');
        expect(reason).not.toBe('accepted');
        expect(reason).not.toBeInstanceOf(GuardError);
      },
    ),
    { numRuns: 400 },
  );
});
