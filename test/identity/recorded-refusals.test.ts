// What the audit log hears of refused tokens.
import { afterEach, expect, it, vi } from 'vitest';
import type { AuditEvent } from '../../core/audit-event.ts';
import { refuseIdentity, type RefusalReason } from '../../core/identity-refusal.ts';
import { createRefusalRecorder, recordRefusals } from '../../server/identity/recorded-refusals.ts';

afterEach(() => vi.useRealTimers());

type Refused = readonly [reason: RefusalReason, token?: string];

/** What the log holds after these; `fails` says whether it takes the entry. */
async function refuse(
  refused: readonly Refused[],
  fails: () => boolean = () => false,
): Promise<readonly AuditEvent[]> {
  const entries: AuditEvent[] = [];
  const pending = [...refused];
  const service = recordRefusals(
    { authenticate: () => Promise.reject(refuseIdentity(...(pending.shift() ?? ['unknown']))) },
    createRefusalRecorder({
      append: async (event) => {
        if (fails()) throw new Error('the log cannot be written');
        return { index: entries.push(event) - 1 };
      },
    }),
  );
  while (pending.length > 0)
    await expect(service.authenticate({ authorization: 'Bearer x', address: '' })).rejects.toMatchObject({
      name: 'GuardError',
    });
  return entries;
}

const flood = Array.from({ length: 200 }, (): Refused => ['unknown']);

/** The refusals that the entries tell of. */
const toldBy = (entries: readonly AuditEvent[]): number =>
  entries.reduce((sum, { details }) => sum + 1 + Number(details['moreRefusals']), 0);

it('records a refused token by its id and reason', async () => {
  const [entry] = await refuse([['expired', 'tok-1']]);
  expect(entry).toMatchObject({ action: 'identity.refused', details: { reason: 'expired', token: 'tok-1' } });
});

it('does not record a request without a credential', async () => {
  expect(await refuse([['missing']])).toEqual([]);
});

it('counts a flood instead of writing it all, and tells the count when its second is over', async () => {
  vi.useFakeTimers();
  const entries = await refuse(flood);
  expect(entries).toHaveLength(10);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(entries).toHaveLength(11);
  expect(toldBy(entries)).toBe(200);
});

it('keeps the count while the log cannot be written', async () => {
  vi.useFakeTimers();
  let isBroken = false;
  const entries = await refuse(flood, () => isBroken);
  isBroken = true;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(entries).toHaveLength(10);
  isBroken = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(toldBy(entries)).toBe(200);
});

it('shows the use of a known token in the midst of a flood', async () => {
  const entries = await refuse([...flood, ['not-bound', 'tok-1']]);
  expect(entries.at(-1)?.details).toMatchObject({ reason: 'not-bound', token: 'tok-1' });
});

it('does not write one entry for each of many known tokens', async () => {
  const many = Array.from({ length: 500 }, (_, index): Refused => ['expired', `tok-${index}`]);
  expect((await refuse(many)).length).toBeLessThanOrEqual(50);
});
