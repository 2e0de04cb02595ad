// Lockouts and counts, on a clock of the test: who waits, for how long, who does not, and that memory stays bounded.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AuditEvent } from '../../core/audit-event.ts';
import { signsOf } from '../../core/alert.ts';
import { GuardError } from '../../core/errors.ts';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Grant } from '../../core/principal.ts';
import { addressKey } from '../../server/admission/address-key.ts';
import { Lockouts } from '../../server/admission/lockout.ts';
import { createAdmission } from '../../server/admission/part.ts';
import { WindowCounts } from '../../server/admission/window-counts.ts';
import { limitsSchema } from '../../server/limits.ts';
import { agent } from '../core/operations.ts';

const seconds = 1_000;

function scene(limits: object = {}): {
  readonly lockouts: Lockouts;
  readonly pass: (ms: number) => void;
} {
  let time = 0;
  const standard = { failuresOfCredential: 3, failuresOfAddress: 10, firstWait: 30, longestWait: 900 };
  return { lockouts: new Lockouts({ ...standard, ...limits }, () => time), pass: (ms) => void (time += ms) };
}

describe('addresses', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1:2:3::', '1:2:3:0::/64'],
    ['::1:2:3:4:5:6:7', '0:1:2:3::/64'],
    ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/64'],
    ['', ''],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

describe('a credential that fails', () => {
  const bad = { address: 'a', credential: 'bad' };
  const fail = (lockouts: Lockouts, times: number): void => {
    for (let each = 0; each < times; each += 1) lockouts.failed(bad);
  };

  test('waits after so many times, twice as long at each further lock, and its neighbours do not', () => {
    const { lockouts, pass } = scene();
    fail(lockouts, 2);
    expect(lockouts.waitMs(bad)).toBe(0);
    expect(lockouts.failed(bad)).toEqual([{ of: 'credential', failures: 3, waitMs: 30 * seconds }]);
    expect(lockouts.waitMs(bad)).toBe(30 * seconds);
    expect(lockouts.waitMs({ address: 'a', credential: 'other' })).toBe(0);
    expect(lockouts.waitMs({ address: 'b', credential: 'bad' })).toBe(0);
    pass(30 * seconds);
    expect(lockouts.waitMs(bad)).toBe(0);
    expect(lockouts.failed(bad)).toMatchObject([{ waitMs: 60 * seconds }]);
    for (const expected of [120, 240, 480, 900]) {
      pass(lockouts.waitMs(bad));
      const [lock] = [...lockouts.failed(bad), ...lockouts.failed(bad), ...lockouts.failed(bad)];
      expect(lock?.waitMs).toBe(expected * seconds);
    }
  });

  test('is forgiven once it works, and after ten minutes', () => {
    const { lockouts, pass } = scene();
    fail(lockouts, 2);
    lockouts.succeeded(bad);
    fail(lockouts, 2);
    expect(lockouts.waitMs(bad)).toBe(0);
    pass(600 * seconds);
    fail(lockouts, 2);
    expect(lockouts.waitMs(bad)).toBe(0);
  });
});

describe('an address from which many fail', () => {
  test('has what worked before looked at, and a trickle of the rest', () => {
    const { lockouts, pass } = scene();
    const good = { address: 'a', credential: 'good' };
    lockouts.succeeded(good);
    const locks = Array.from({ length: 10 }, (_, index) =>
      lockouts.failed({ address: 'a', credential: `guess-${index}` }),
    ).flat();
    expect(locks).toEqual([{ of: 'address', failures: 10, waitMs: 30 * seconds }]);
    expect(lockouts.waitMs(good)).toBe(0);
    const waits = Array.from({ length: 7 }, (_, index) =>
      lockouts.waitMs({ address: 'a', credential: `new-${index}` }),
    );
    expect(waits).toEqual([0, 0, 0, 0, 0, 10 * seconds, 10 * seconds]);
    pass(10 * seconds);
    expect(lockouts.waitMs({ address: 'a', credential: 'new' })).toBe(0);
    // What worked and does no more is nothing special.
    lockouts.failed(good);
    for (let each = 0; each < 6; each += 1) lockouts.waitMs({ address: 'a', credential: `x-${each}` });
    expect(lockouts.waitMs(good)).toBeGreaterThan(0);
    expect(lockouts.waitMs({ address: 'b', credential: 'new' })).toBe(0);
  });
});

test('memory does not grow with the keys', () => {
  const counts = new WindowCounts({ windowMs: 1_000, capacity: 100, now: () => 0 });
  for (let key = 0; key < 10_000; key += 1) counts.add(`key-${key}`);
  expect(counts.size).toBe(100);
  expect(counts.total('key-9999')).toBe(1);
  expect(counts.total('key-1')).toBe(0);
});

describe('admission', () => {
  const grant: Grant = { principal: agent, owner: null, scopes: [] };
  const open = (limits: object) => {
    let time = 0;
    const events: AuditEvent[] = [];
    const admission = createAdmission({
      limits: limitsSchema.parse(limits),
      audit: { append: async (event) => ({ index: events.push(event) }) },
      now: () => time,
    });
    const identity = admission.guard({
      authenticate: async ({ authorization }) => {
        if (authorization === undefined) throw refuseIdentity('missing');
        if (authorization !== 'good') throw refuseIdentity('unknown', 'tok-1');
        return grant;
      },
    });
    return { admission, identity, events, pass: (ms: number) => void (time += ms) };
  };

  test('records a lockout, at most one in a second for each token, and alarms for an address', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { identity, events } = open({ failedCredential: 2, failedAddress: 6 });
    const attempt = (authorization: string) =>
      identity.authenticate({ authorization, address: '203.0.113.9' });
    for (const guess of ['a', 'a', 'b', 'b', 'c', 'd', 'd'])
      await attempt(guess).catch((thrown: unknown) => expect(thrown).toBeInstanceOf(GuardError));
    await expect(attempt('a')).rejects.toMatchObject({ code: 'identity/locked-out', retryAfterSeconds: 30 });
    const told = (of: string, moreLockouts: number) => ({
      action: 'identity.locked-out',
      actor: null,
      details: { of, address: '203.0.113.9', moreLockouts },
    });
    expect(events).toMatchObject([told('credential', 0), told('address', 0)]);
    // Two more of the same token.
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events.slice(2)).toMatchObject([told('credential', 1)]);
    const event = { ...events[0]!, details: { of: 'address', address: '203.0.113.9', failures: 6 } };
    expect(signsOf({ index: 7, time: new Date(), event })).toMatchObject([
      { kind: 'alert', alert: { kind: 'lockout', actor: 'address:203.0.113.9' } },
    ]);
    expect(signsOf({ index: 7, time: new Date(), event: events[0]! })).toEqual([]);
  });

  test('does not count who shows nothing, or whose issuer cannot be reached', async () => {
    const { admission, identity, events } = open({ failedCredential: 1, failedAddress: 1 });
    const unreachable = (): Promise<never> => Promise.reject(refuseIdentity('keys-unavailable'));
    for (let each = 0; each < 5; each += 1)
      await expect(
        admission.attempt({ authorization: 'x', address: 'x' }, unreachable),
      ).rejects.toMatchObject({ code: 'identity/unavailable' });
    for (let each = 0; each < 5; each += 1)
      await expect(identity.authenticate({ authorization: undefined, address: 'x' })).rejects.toMatchObject({
        code: 'identity/missing',
      });
    expect(events).toEqual([]);
  });

  test('limits what a principal asks for and pushes', async () => {
    const { admission, identity, pass } = open({ requestsPerMinute: 2, pushBytesPerHour: '1MiB' });
    const ask = () => identity.authenticate({ authorization: 'good', address: 'x' });
    await ask();
    await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'request/too-many', retryAfterSeconds: 60 });
    pass(60_000);
    await expect(ask()).resolves.toBe(grant);
    admission.countBytes(agent, 2 ** 20 - 1);
    admission.demandPush(agent);
    admission.countBytes(agent, 1);
    expect(() => admission.demandPush(agent)).toThrow('limits.pushBytesPerHour');
    admission.demandPush({ ...agent, id: 'agent:other' });
  });
});
