// `forgeguard audit rotate-fingerprint-key`: fingerprints get a new key, and nobody can guess at the values behind the old
// ones any more.
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import process from 'node:process';
import { plural } from '../core/duration.ts';
import { GuardError } from '../core/errors.ts';
import { nameOfFingerprintKey } from '../core/fingerprint-key-name.ts';
import { appendOnce } from '../server/audit/single-append.ts';
import type { Config } from '../server/config.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { drawFingerprintKey, findFingerprintKey, replaceFingerprintKey } from '../server/fingerprint-key.ts';
import { readPolicyFile } from '../server/policy-file.ts';
import { auditConfig } from './audit-source.ts';

/** Draws a new key, records that, and puts it in the place of the old one, which is gone then. */
export async function rotateFingerprintKey(flags: { readonly config?: string }): Promise<void> {
  const config = await auditConfig(flags.config);
  const { dataDir } = config;
  const old = await findFingerprintKey(dataDir);
  if (old === undefined) {
    throw new GuardError(
      'config/unreadable',
      `there is no fingerprint key in ${dataDir}: no guard has started there`,
    );
  }
  const exceptions = await exceptionsByFingerprint(config);
  const next = drawFingerprintKey();
  const [previous, key] = [nameOfFingerprintKey(old), nameOfFingerprintKey(next)];
  const event = {
    action: 'audit.fingerprint-key-rotated',
    request: randomBytes(8).toString('hex'),
    actor: null,
    repository: null,
    details: { previous, key, by: `local:${userInfo().username}` },
  } as const;
  await withConfiguredDatabase(
    config,
    (database) => appendOnce({ database, dataDir, clock: { now: () => new Date() } }, event),
    { migrate: false },
  );
  await replaceFingerprintKey(dataDir, next);
  process.stdout.write(
    [
      `before  ${previous}`,
      `now     ${key}`,
      'The old key is gone. A guard that runs uses it until it is started again: start it again now.',
      'Other guards of this database need a copy of the new fingerprint-key.',
      ...exceptions,
      '',
    ].join('\n'),
  );
}

async function exceptionsByFingerprint({ policyFile }: Config): Promise<readonly string[]> {
  if (policyFile === undefined) return [];
  const { exceptions } = await readPolicyFile(policyFile);
  const ids = exceptions.filter(({ fingerprint }) => fingerprint !== undefined).map(({ id }) => id);
  if (ids.length === 0) return [];
  return [
    `${plural(ids.length, 'exception')} of the policy name fingerprints and need new ones: ${ids.join(', ')}.`,
    'The refusal of a push that was excused before shows them.',
  ];
}
