// The keys of an issuer: rotated, unreachable, in a file, asked for as seldom as may be.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { identityBench, usualRule } from '../support/identity-bench.ts';
import { until } from '../support/until.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('are asked for once, and again when a token has a new key, within a cooldown', async () => {
  await using bench = await identityBench();
  const { issuer, guard } = bench;
  await Promise.all(Array.from({ length: 20 }, async () => guard.prove(await bench.token())));
  expect(issuer.asked()).toBe(1);
  await issuer.addKey();
  const rotated = await bench.token();
  // A moment after the first: whoever sends tokens with made-up keys does not make the guard ask each time.
  expect(await guard.refusal(rotated)).toBe('unknown-key');
  expect(issuer.asked()).toBe(1);
  await until('the new key is known', async () => (await guard.refusal(rotated)) === 'accepted', 10_000);
  expect(issuer.asked()).toBe(2);
  for (let index = 0; index < 20; index++)
    expect(await guard.refusal(await bench.token({ header: { kid: `made-up-${index}` } }))).toBe(
      'unknown-key',
    );
  expect(issuer.asked()).toBe(2);
});

test('that are known serve while the issuer is down; others are refused', async () => {
  await using bench = await identityBench();
  const { issuer, guard } = bench;
  await guard.prove(await bench.token());
  await issuer.stop();
  expect(await guard.refusal(await bench.token())).toBe('accepted');
  await issuer.addKey();
  expect(await guard.refusal(await bench.token())).toBe('unknown-key');
  // A guard that never had the keys says that it is not the token's fault.
  const other = bench.anotherGuard();
  await expect(other.prove(await bench.token())).rejects.toMatchObject({
    code: 'identity/unavailable',
    status: 503,
  });
  await issuer.start();
});

test('are believed only from where the issuer is', async () => {
  await using bench = await identityBench((issuer) => ({
    issuer: issuer.url.replace('127.0.0.1', 'localhost'),
  }));
  // Its discovery document names 127.0.0.1.
  const iss = bench.issuer.url.replace('127.0.0.1', 'localhost');
  expect(await bench.guard.refusal(await bench.token({ claims: { iss } }))).toBe('keys-unavailable');
});

test('may be in a file, which is read again for a new key', async () => {
  await using directory = await temporaryDirectory('jwks');
  const file = join(directory.path, 'bundle.json');
  await using bench = await identityBench(() => ({
    issuer: 'spiffe://example.org',
    profile: 'spiffe',
    keys: { kind: 'file', file },
    rules: [{ ...usualRule, when: { path: ['agents/*'] }, name: '{path}' }],
  }));
  const publish = async (): Promise<void> => {
    const keys = bench.issuer.jwks().keys.map((key) => ({ ...key, use: 'jwt-svid' }));
    const other = { kty: 'EC', use: 'x509-svid', crv: 'P-256', x: 'x', y: 'y', kid: 'x509' };
    await writeFile(`${file}.new`, JSON.stringify({ spiffe_sequence: 1, keys: [other, ...keys] }));
    await rename(`${file}.new`, file);
  };
  await publish();
  const svid = (id: string): Promise<string> =>
    bench.token({ header: { typ: 'JOSE' }, claims: { iss: undefined, sub: id, iat: undefined } });
  const grant = await bench.guard.prove(await svid('spiffe://example.org/agents/coder'));
  expect(grant.principal).toMatchObject({
    id: 'agent:agents/coder',
    issuer: 'spiffe://example.org',
    proof: 'oidc',
  });
  expect(await bench.guard.refusal(await svid('spiffe://example.com/agents/coder'))).toBe('unknown-issuer');
  expect(await bench.guard.refusal(await svid('spiffe://example.org/agents/../x'))).toBe(
    'claims-inconsistent',
  );
  expect(await bench.guard.refusal(await svid('spiffe://example.org/other/x'))).toBe('no-rule');
  await bench.issuer.addKey();
  await publish();
  await sleep(5_100);
  expect(await bench.guard.refusal(await svid('spiffe://example.org/agents/coder'))).toBe('accepted');
});

test('of an unusual size are refused', async () => {
  await using directory = await temporaryDirectory('jwks');
  const file = join(directory.path, 'keys.json');
  await using bench = await identityBench({ keys: { kind: 'file', file } });
  for (const text of ['', '[]', '{"keys":{}}', `{"keys":[${'{"kty":"RSA"},'.repeat(200)}{"kty":"RSA"}]}`]) {
    await writeFile(file, text);
    expect(await bench.anotherGuard().refusal(await bench.token())).toBe('keys-unavailable');
  }
  await writeFile(file, JSON.stringify({ keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'x' }] }));
  expect(await bench.anotherGuard().refusal(await bench.token({ header: { kid: 'x' } }))).toBe('unknown-key');
});
