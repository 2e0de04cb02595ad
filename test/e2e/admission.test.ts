// Limits on failures, requests and bytes as clients meet them, with the real git client; and whose word about an address
// is believed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withCredentials } from '../support/client.ts';
import { basic, type GuardedForge, startGuardedForge } from '../support/guarded-forge.ts';

let forge: GuardedForge;

beforeAll(async () => {
  forge = await startGuardedForge({
    // Requests of the tests come from 127.0.0.1, which stands for a proxy.
    config: { listen: { trustProxy: ['127.0.0.1'] } },
    limits: { failedCredential: 4, failedAddress: 8, pushBytesPerHour: '1MiB' },
  });
});
afterAll(() => forge[Symbol.asyncDispose]());

const wrong = (of: string): string => `fg_${of.repeat(20)}`;

/** The status of a request by way of a proxy that says whose it is. */
async function statusOf(
  token: string | undefined,
  forwardedFor: string,
  path = '/git/forge/team/none.git/info/refs?service=git-upload-pack',
): Promise<Response> {
  return fetch(`${forge.guard.url}${path}`, {
    headers: {
      'x-forwarded-for': forwardedFor,
      ...(token === undefined ? {} : { authorization: basic(token) }),
    },
  });
}

async function exhaust(token: string, address: string): Promise<Response> {
  let last = await statusOf(token, address);
  for (let tries = 1; tries < 4; tries += 1) last = await statusOf(token, address);
  expect(last.status).toBe(401);
  return statusOf(token, address);
}

describe('failures', () => {
  test('of one credential make it wait, told with Retry-After, at Git, audit log and API alike', async () => {
    const locked = await exhaust(wrong('a'), '203.0.113.1');
    expect(locked.status).toBe(429);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(20);
    expect(await locked.text()).toMatch(
      /failed too often; try again in \d+ seconds \[identity\/locked-out\]/,
    );
    for (const path of ['/audit/checkpoint', '/api/v1/approvals']) {
      const refused = await statusOf(wrong('a'), '203.0.113.1', path);
      expect([path, refused.status, refused.headers.has('retry-after')]).toEqual([path, 429, true]);
    }
    // Others behind the same address, and the same elsewhere, are not kept out.
    expect((await statusOf(forge.token, '203.0.113.1')).status).not.toBe(429);
    expect((await statusOf(wrong('b'), '203.0.113.1')).status).toBe(401);
    expect((await statusOf(wrong('a'), '203.0.113.2')).status).toBe(401);
    const entries = (await forge.audit()).filter(({ action }) => action === 'identity.locked-out');
    expect(entries).toMatchObject([{ details: { of: 'credential', address: '203.0.113.1', failures: 4 } }]);
    expect(JSON.stringify(entries)).not.toContain(wrong('a'));
  });

  test('of many credentials make an address wait, and its known ones not', async () => {
    expect((await statusOf(forge.token, '203.0.113.3')).status).toBe(404);
    for (const of of 'abcdefgh') expect((await statusOf(wrong(of), '203.0.113.3')).status).toBe(401);
    const rest = await Promise.all(Array.from('ijklmnopq').map((of) => statusOf(wrong(of), '203.0.113.3')));
    expect(rest.map(({ status }) => status).filter((status) => status === 429).length).toBeGreaterThan(2);
    expect((await statusOf(forge.token, '203.0.113.3')).status).toBe(404);
    expect((await statusOf(undefined, '203.0.113.3')).status).toBe(401);
  });

  test('of git are told in words', async () => {
    const url = withCredentials(`${forge.guard.url}/git/forge/team/none.git`, 'agent', wrong('z'));
    for (let tries = 0; tries < 4; tries += 1) await forge.client.git(['ls-remote', url]);
    const refused = await forge.client.git(['ls-remote', url]);
    expect(refused.code).toBe(128);
    expect(refused.stderr).toContain('remote: forgeguard: this credential or address failed too often');
    expect(refused.stderr).toContain('remote: Stop trying this credential');
    expect(refused.stderr).toMatch(/error: 429/);
  });
});

describe('the address of a client', () => {
  test('is the last one that a trusted proxy did not give itself', async () => {
    await exhaust(wrong('c'), '198.51.100.9, 203.0.113.5');
    expect((await statusOf(wrong('c'), '198.51.100.10, 203.0.113.5')).status).toBe(429);
    expect((await statusOf(wrong('c'), '203.0.113.5, 203.0.113.6')).status).toBe(401);
  });

  test('of IPv6 counts by network', async () => {
    for (let host = 1; host <= 4; host += 1) await statusOf(wrong('d'), `2001:db8:1:2::${host}`);
    expect((await statusOf(wrong('d'), '2001:db8:1:2:ffff::9')).status).toBe(429);
    expect((await statusOf(wrong('d'), '2001:db8:1:3::9')).status).toBe(401);
  });

  test('is not taken from a header where nobody is trusted', async () => {
    await using plain = await startGuardedForge({ limits: { failedCredential: 4 } });
    const path = '/git/forge/team/none.git/info/refs?service=git-upload-pack';
    const statuses: number[] = [];
    for (let host = 1; host <= 5; host += 1) {
      const spoofed = `203.0.113.${host}`;
      const headers = {
        authorization: basic(wrong('e')),
        'x-forwarded-for': spoofed,
        'x-real-ip': spoofed,
        forwarded: `for=${spoofed}`,
        'true-client-ip': spoofed,
      };
      statuses.push((await fetch(`${plain.guard.url}${path}`, { headers })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 429]);
  });
});

test('bytes that a principal pushes are counted, and what is past the limit is told to come later', async () => {
  const { tree, repository } = await forge.cloneOfNew();
  const lines = Array.from({ length: 120_000 }, (_, index) => `${index} ${Math.sin(index)}\n`);
  await tree.commit('Large', { 'a.txt': lines.join('') });
  expect((await tree.push('HEAD:refs/heads/agent/large')).code).toBe(0);
  const refs = await repository.refs();
  await tree.commit('Small', { 'b.txt': 'x\n' });
  const refused = await tree.push('HEAD:refs/heads/agent/small');
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('limits.pushBytesPerHour');
  expect(await repository.refs()).toEqual(refs);
  expect((await tree.git('fetch')).code).toBe(0);
});
