// `forgeguard audit rewrap-keys`: changes the key that the keys of sealed texts are encrypted with, while the guard runs or
// not.
import { userInfo } from 'node:os';
import process from 'node:process';
import { GuardError } from '../core/errors.ts';
import { rewrapKeys } from '../server/audit/sealing/rewrap.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { auditConfig } from './audit-source.ts';

export interface RewrapFlags {
  readonly config?: string;
  readonly to?: string;
}

const maxKeyFileBytes = 1_024;

async function readKeyFile(path: string): Promise<string> {
  const bytes = await readBoundedFile(path, maxKeyFileBytes).catch((cause: unknown) => {
    throw new GuardError('config/unreadable', `couldn't read the key in ${path}`, { cause });
  });
  if (bytes === undefined) throw new GuardError('config/unreadable', `there is no file ${path}`);
  return bytes.toString('utf8');
}

/** Wraps the keys anew and names both keys, telling neither. */
export async function rewrap(flags: RewrapFlags): Promise<void> {
  const config = await auditConfig(flags.config);
  const next = flags.to === undefined ? undefined : await readKeyFile(flags.to);
  const configured = config.audit.sealingKey?.reveal();
  const told = await withConfiguredDatabase(
    config,
    (database) =>
      rewrapKeys({
        database,
        dataDir: config.dataDir,
        clock: { now: () => new Date() },
        configured,
        next,
        person: `local:${userInfo().username}`,
      }),
    { migrate: false },
  );
  const where =
    configured === undefined
      ? 'Other guards of this database need a copy of the new audit-sealing-key.'
      : 'Give the new key to every guard of this database with audit.sealingKey, and start them again.';
  process.stdout.write(
    [
      `before  ${told.previous}`,
      `now     ${told.next}`,
      `keys    ${told.keys}`,
      where,
      'Backups of the database that are older need the key from before.',
      '',
    ].join('\n'),
  );
}
