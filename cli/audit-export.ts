// `forgeguard audit export`: writes an evidence pack, which two verifiers check without the guard and its database.
import { hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import process from 'node:process';
import { GuardError } from '../core/errors.ts';
import type { MadeReport } from '../core/report/made.ts';
import {
  planPack,
  writePack,
  type PackContents,
  type PackPlan,
  type PackReport,
  type Period,
} from '../server/audit/pack/export.ts';
import { createSealing } from '../server/audit/sealing/sealing.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import type { Database } from '../server/db.ts';
import { type AgentReport, packReports } from './pack-reports.ts';
import {
  auditConfig,
  readerSealing,
  readTime,
  recordExport,
  recordReports,
  trustedKey,
} from './audit-source.ts';

export interface ExportFlags {
  readonly config?: string;
  readonly from?: string;
  readonly to?: string;
  readonly out?: string;
  /** Leaves what was sealed sealed. */
  readonly sealed?: boolean;
}

async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) throw new GuardError('input/invalid', `${path} is there already`);
}

/** Passes reports on and notes what was made. */
async function* noted(reports: AsyncIterable<AgentReport>, made: MadeReport[]): AsyncGenerator<PackReport> {
  for await (const { name, text, agent, from, to, format } of reports) {
    const digest = { sha256: hash('sha256', text, 'hex'), bytes: Buffer.byteLength(text) };
    made.push({ agent, format, from, to, scope: 'all', ...digest });
    yield { name, text };
  }
}

/** Writes beside the place, calls `record`, and moves there: what has the name is whole. */
async function writeFile(
  database: Database,
  plan: PackPlan,
  path: string,
  contents: PackContents,
  record: () => Promise<void>,
): Promise<void> {
  const partial = `${path}.partial`;
  try {
    // What an attempt left that was cut off.
    await rm(partial, { force: true });
    const file = createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true });
    await writePack(database, plan, file, contents);
    await record();
  } catch (thrown) {
    await rm(partial, { force: true });
    if (thrown instanceof GuardError) throw thrown;
    throw new GuardError('input/unreadable', `couldn't write ${path}`, { cause: thrown });
  }
  await rename(partial, path);
}

/** Exports the entries of a period; who does it is on record before anything is written, and reports before it is whole. */
export async function exportPack(flags: ExportFlags): Promise<void> {
  const [from, to] = [readTime('--from', flags.from), readTime('--to', flags.to)];
  const period: Period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const config = await auditConfig(flags.config);
  const key = await trustedKey(config.dataDir, undefined);
  // Without the texts nothing in the pack is more personal than the entries are after their key is destroyed.
  const sealing = flags.sealed === true ? createSealing(undefined) : await readerSealing(config);
  const written = await withConfiguredDatabase(
    config,
    async (database) => {
      const plan = await planPack(database, key, period);
      const { first, past, size } = plan;
      const path = flags.out ?? `forgeguard-audit-${first}-${past - 1}.tar.gz`;
      await refuseExisting(path);
      await recordExport(database, config.dataDir, { what: 'pack', first, past, size });
      const made: MadeReport[] = [];
      const reports =
        flags.sealed === true ? [] : noted(packReports(database, config, sealing, period), made);
      const contents = { sealing, withEvidence: flags.sealed !== true, reports };
      await writeFile(database, plan, path, contents, () => recordReports(database, config.dataDir, made));
      return { path, ...plan };
    },
    { migrate: false },
  );
  const { path, first, past, size } = written;
  process.stdout.write(`${path}: entries ${first} to ${past - 1} of ${size}\n`);
}
