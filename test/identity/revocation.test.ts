// What ends tokens and sessions, and how soon.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refused, type TokenEndpoint, tokenEndpoint } from '../support/token-endpoint.ts';

let endpoint: TokenEndpoint;
let bench: TokenEndpoint['bench'];
beforeAll(async () => {
  endpoint = await tokenEndpoint();
  bench = endpoint.bench;
});
afterAll(async () => {
  await endpoint[Symbol.asyncDispose]();
});

describe('revocation', () => {
  test('by the holder, of every kind of token, within a second on every guard', async () => {
    const tokens = [
      (await endpoint.issued('agent')).token,
      (await endpoint.session()).token,
      await endpoint.jwt(),
    ];
    const other = bench.anotherGuard();
    for (const token of tokens) expect(await other.refusal(token)).toBe('accepted');
    for (const token of tokens) expect((await endpoint.post('/oauth/revoke', { token })).status).toBe(200);
    await sleep(1_050);
    for (const token of tokens) {
      expect(await other.refusal(token)).toBe('revoked');
      await refused(endpoint.exchange(token), 'invalid_request');
    }
    expect(bench.events.filter(({ action }) => action === 'session.revoked')).not.toEqual([]);
  });

  test('of what is no token changes nothing and tells nothing', async () => {
    for (const token of ['x', 'fgs_x', 'eyJhbGciOiJub25lIn0.e30.'])
      expect(await endpoint.post('/oauth/revoke', { token })).toEqual({ status: 200, body: {} });
    await refused(endpoint.post('/oauth/revoke', {}), 'invalid_request');
    await expect(endpoint.revocations.revokeSession('ses-none', 'x')).rejects.toMatchObject({
      code: 'token/unknown',
    });
  });

  test('of an owner ends all that its agents have; what they prove anew counts again', async () => {
    const agent = await endpoint.issued('agent', { owner: 'human:Grace' });
    const own = await endpoint.session({}, agent.token);
    expect(await bench.guard.refusal(own.token)).toBe('accepted');
    await endpoint.revocations.revokePrincipal('human:grace', 'test');
    await sleep(1_050);
    expect(await bench.guard.refusal(own.token)).toBe('revoked');
    expect(await bench.guard.refusal(agent.token)).toBe('revoked');
    const again = await endpoint.issued('agent', { owner: 'human:grace' });
    expect(await bench.guard.refusal(again.token)).toBe('accepted');
    await endpoint.revocations.revokePrincipal('human:grace', 'test', true);
    await sleep(1_050);
    expect(await bench.guard.refusal(again.token)).toBe('revoked');
    const never = await endpoint.issued('agent', { owner: 'human:grace' });
    expect(await bench.guard.refusal(never.token)).toBe('revoked');
    await bench.guard.upkeep();
    expect(
      bench.events
        .filter(({ action }) => action === 'principal.revoked')
        .map(({ details }) => details['before']),
    ).toContain('lasting');
  });

  test('before an effect is asked of everything that a session rests on', async () => {
    const agent = await endpoint.issued('agent');
    const one = await endpoint.session({}, agent.token);
    const { principal, owner } = await bench.guard.prove(one.token);
    const standing = { principal, owner, since: new Date() };
    await bench.guard.confirm(standing);
    await endpoint.office.revoke(agent.id, 'test');
    await expect(bench.guard.confirm(standing)).rejects.toMatchObject({ code: 'identity/revoked' });
  });
});
