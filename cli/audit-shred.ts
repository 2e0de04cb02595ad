// `forgeguard audit shred`: asks a running guard to destroy sealed texts of the audit log, or approves that.
import process from 'node:process';
import { GuardError } from '../core/errors.ts';
import { shredView } from '../server/api/shred-routes.ts';
import { connectToGuard, type GuardFlags } from './guard-client.ts';

export interface ShredFlags extends GuardFlags {
  readonly repository?: string;
  readonly month?: string;
  readonly reason?: string;
  readonly approve?: string;
}

/** Asks, or with `--approve` approves. */
export async function shred(flags: ShredFlags): Promise<void> {
  const { repository, month, reason, approve } = flags;
  const isWish = repository !== undefined && month !== undefined && reason !== undefined;
  if ((approve === undefined) !== isWish)
    throw new GuardError('input/invalid', 'give --repository, --month and --reason, or --approve and an id');
  const guard = await connectToGuard(flags);
  const told =
    approve === undefined
      ? await guard.call(shredView, '/audit/shreds', { repository, month, reason })
      : await guard.call(shredView, `/audit/shreds/${encodeURIComponent(approve)}/approve`, {});
  process.stdout.write(
    told.state === 'requested'
      ? `${told.id}\nSomebody else must approve within 7 days: forgeguard audit shred --approve ${told.id}\n`
      : `The texts of ${told.repository} of ${told.month} are destroyed.\n`,
  );
}
