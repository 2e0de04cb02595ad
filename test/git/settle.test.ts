// How an attempt without an outcome gets one.
import { describe, expect, it } from 'vitest';
import type { AuditEvent, Json } from '../../core/audit-event.ts';
import { parseOid } from '../../core/oid.ts';
import type { AuditLog } from '../../core/services.ts';
import { compareRefs, settleAttempts } from '../../server/git/settle.ts';

const [zero, one, two, three] = ['0', '1', '2', '3'].map((digit) => digit.repeat(40));
const advertised = (...refs: readonly (readonly [string, string | undefined])[]) => ({
  refs: refs.flatMap(([name, text]) => {
    const oid = parseOid(text ?? '', 'sha1');
    return oid === undefined ? [] : [{ name, oid }];
  }),
});
const update = { ref: 'refs/heads/a', old: one ?? '', new: two ?? '' };

describe('what the upstream refs show', () => {
  it('tells landed, untouched and mixed apart', () => {
    expect(compareRefs([update], advertised(['refs/heads/a', two]))).toBe('landed');
    expect(compareRefs([update], advertised(['refs/heads/a', one]))).toBe('untouched');
    expect(compareRefs([update], advertised(['refs/heads/a', three]))).toBe('mixed');
    expect(compareRefs([update], advertised())).toBe('mixed');
  });

  it('reads zero ids as absence', () => {
    expect(compareRefs([{ ...update, old: zero ?? '' }], advertised())).toBe('untouched');
    expect(compareRefs([{ ...update, new: zero ?? '' }], advertised())).toBe('landed');
  });

  it('calls a push of which one ref landed mixed', () => {
    const other = { ...update, ref: 'refs/heads/b' };
    expect(compareRefs([update, other], advertised(['refs/heads/a', two], ['refs/heads/b', one]))).toBe(
      'mixed',
    );
  });
});

const actor = {
  kind: 'agent',
  id: 'agent:a',
  issuer: 'guard',
  subject: 'a',
  groups: [],
  onBehalfOf: [],
  session: 's',
  proof: 'guard-token',
} as const;

function attempt(action: 'push.received' | 'push.decided', details: Readonly<Record<string, Json>>) {
  const last: AuditEvent = { action, request: 'r1', actor, repository: 'forge/repo', details };
  return { request: 'r1', last };
}

async function settleOne(
  open: ReturnType<typeof attempt>,
  refs: () => Promise<ReturnType<typeof advertised>>,
): Promise<AuditEvent | undefined> {
  const written: AuditEvent[] = [];
  const log: AuditLog = {
    append: async (event) => ({ index: written.push(event) - 1 }),
    openAttempts: async () => [],
  };
  await settleAttempts(log, [open], refs);
  return written[0];
}

describe('settling at the start', () => {
  const decided = attempt('push.decided', { verdict: 'allow', refUpdates: [update], refUpdateCount: 1 });
  const never = (): Promise<never> => Promise.reject(new Error('not to be asked'));

  it('closes what was never decided, or not allowed, as refused without asking', async () => {
    expect(await settleOne(attempt('push.received', {}), never)).toMatchObject({ action: 'push.refused' });
    expect(await settleOne(attempt('push.decided', { verdict: 'deny' }), never)).toMatchObject({
      action: 'push.refused',
    });
  });

  it('closes an allowed push by what the refs show', async () => {
    expect(await settleOne(decided, async () => advertised(['refs/heads/a', two]))).toMatchObject({
      action: 'push.forwarded',
    });
    expect(await settleOne(decided, async () => advertised(['refs/heads/a', one]))).toMatchObject({
      action: 'push.refused',
    });
    expect(await settleOne(decided, async () => advertised(['refs/heads/a', three]))).toMatchObject({
      action: 'push.unknown',
    });
  });

  it('calls the outcome unknown where the upstream cannot be asked', async () => {
    expect(await settleOne(decided, never)).toMatchObject({
      action: 'push.unknown',
      request: 'r1',
      repository: 'forge/repo',
    });
  });
});
