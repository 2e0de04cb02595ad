// `forgeguard audit prune`: takes out of the log what is older than it must be kept.
import { userInfo } from 'node:os';
import process from 'node:process';
import { parseVerifierKey, signatureTypes } from '../core/checkpoint.ts';
import { prune, previewPruning } from '../server/audit/retention/prune.ts';
import {
  timestampAttestor,
  witnessAttestor,
  type Attestor,
} from '../server/audit/retention/witnessed-time.ts';
import type { Config } from '../server/config.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { auditConfig, readTime } from './audit-source.ts';

export interface PruneFlags {
  readonly config?: string;
  readonly dryRun?: boolean;
  readonly today?: string;
}

function attestorsOf({ audit }: Config): readonly Attestor[] {
  const witnesses = audit.witnesses.flatMap(
    ({ key }) => parseVerifierKey(key, signatureTypes.cosignature) ?? [],
  );
  const { timestamp } = audit;
  return [
    ...witnesses.map(witnessAttestor),
    ...(timestamp === undefined ? [] : [timestampAttestor(timestamp.authorities)]),
  ];
}

/** Prunes, or with `--dry-run` tells what would go. */
export async function pruneLog(flags: PruneFlags): Promise<void> {
  const config = await auditConfig(flags.config);
  const told = readTime('--today', flags.today);
  const { plan, removed, held } = await withConfiguredDatabase(
    config,
    (database) =>
      (flags.dryRun === true ? previewPruning : prune)({
        database,
        dataDir: config.dataDir,
        clock: { now: () => new Date() },
        retentionDays: config.audit.retentionDays,
        attestors: attestorsOf(config),
        told,
        person: `local:${userInfo().username}`,
      }),
    { migrate: false },
  );
  const { cutoff, past } = plan;
  process.stdout.write(
    [
      `older than  ${cutoff.toISOString()}`,
      `entries     before ${past}`,
      `held        ${held}`,
      `${flags.dryRun === true ? 'would go    ' : 'gone        '}${removed}`,
      '',
    ].join('\n'),
  );
}
