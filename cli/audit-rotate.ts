// `forgeguard audit rotate-key`: gives the log a new signing key, while the guard runs or not.
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import process from 'node:process';
import { rotateKey } from '../server/audit/single-append.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { auditConfig } from './audit-source.ts';

/** Rotates the key and shows both verifier keys. */
export async function rotate(flags: { readonly config?: string }): Promise<void> {
  const config = await auditConfig(flags.config);
  const by = `local:${userInfo().username}`;
  const keys = await withConfiguredDatabase(
    config,
    (database) =>
      rotateKey(
        { database, dataDir: config.dataDir, clock: { now: () => new Date() } },
        (previous, next) => ({
          action: 'audit.key-rotated',
          request: randomBytes(8).toString('hex'),
          actor: null,
          repository: null,
          details: { previous, key: next, by },
        }),
      ),
    { migrate: false },
  );
  process.stdout.write(
    [
      `before  ${keys.previous}`,
      `now     ${keys.next}`,
      'Give the new verifier key to whoever checks the log. The old signing key is gone.',
      'Other guards that write this log need a copy of the new audit-signing-key.',
      '',
    ].join('\n'),
  );
}
