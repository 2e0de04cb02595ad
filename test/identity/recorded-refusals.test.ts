// What the audit log hears of refused tokens.
import { expect, it } from 'vitest';
import type { AuditEvent } from '../../core/audit-event.ts';
import { refuseIdentity, type RefusalReason } from '../../core/identity-refusal.ts';
import { recordRefusals } from '../../server/identity/recorded-refusals.ts';

async function refuse(reasons: readonly RefusalReason[]): Promise<readonly AuditEvent[]> {
  const entries: AuditEvent[] = [];
  const pending = [...reasons];
  const service = recordRefusals(
    { authenticate: () => Promise.reject(refuseIdentity(pending.shift() ?? 'unknown', 'tok-1')) },
    { append: async (event) => ({ index: entries.push(event) - 1 }) },
  );
  while (pending.length > 0)
    await expect(service.authenticate({ authorization: 'Bearer x', address: '' })).rejects.toMatchObject({
      name: 'GuardError',
    });
  return entries;
}

it('records a refused token by its id and reason', async () => {
  const [entry] = await refuse(['expired']);
  expect(entry).toMatchObject({ action: 'identity.refused', details: { reason: 'expired', token: 'tok-1' } });
});

it('does not record a request without a credential', async () => {
  expect(await refuse(['missing'])).toEqual([]);
});

it('counts a flood instead of writing it all', async () => {
  const entries = await refuse(Array.from<RefusalReason>({ length: 200 }).fill('unknown'));
  expect(entries.length).toBeGreaterThan(0);
  expect(entries.length).toBeLessThanOrEqual(30);
});
