// `forgeguard audit list`: shows the entries of the log that fit, one a line.
import { once } from 'node:events';
import process from 'node:process';
import { canonicalText, type AuditEntry } from '../core/audit-entry.ts';
import { parseCheckpoint } from '../core/checkpoint.ts';
import { listEntries, type EntryFilter } from '../server/audit/list.ts';
import { readNewestNote } from '../server/audit/store.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { auditConfig, readerSealing, readTime, recordExport } from './audit-source.ts';
import { printable } from './printable.ts';

export interface ListFlags {
  readonly config?: string;
  readonly from?: string;
  readonly to?: string;
  readonly action?: string;
  readonly actor?: string;
  readonly repository?: string;
  readonly request?: string;
  readonly format: 'text' | 'jsonl';
}

/** The forms in which entries are shown. */
export const listFormats: Readonly<Record<ListFlags['format'], (entry: AuditEntry) => string>> = {
  text: ({ index, time, action, actor, repository, request }) =>
    [index, time, action, actor?.id ?? '-', repository ?? '-', request]
      .map((part) => printable(String(part)))
      .join('  '),
  jsonl: (entry) => canonicalText(entry),
};

function readFilter(flags: ListFlags): EntryFilter {
  const [from, to] = [readTime('--from', flags.from), readTime('--to', flags.to)];
  const { action, actor, repository, request } = flags;
  const given = Object.entries({ action, actor, repository, request }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    ...Object.fromEntries(given),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** Writes the lines; who reads is on record first. */
export async function list(flags: ListFlags): Promise<void> {
  const filter = readFilter(flags);
  const config = await auditConfig(flags.config);
  await withConfiguredDatabase(
    config,
    async (database) => {
      const note = await readNewestNote(database);
      const size = note === undefined ? 0 : (parseCheckpoint(note)?.size ?? 0);
      if (size === 0) return;
      const asked = Object.entries(filter).map(([name, value]): [string, string] => [
        name,
        value instanceof Date ? value.toISOString() : String(value),
      ]);
      await recordExport(database, config.dataDir, {
        what: 'list',
        size,
        filter: Object.fromEntries<string>(asked),
      });
      const sealing = await readerSealing(config);
      for await (const { entry } of listEntries(database, size, filter)) {
        const opened = await sealing.open(database, entry);
        if (!process.stdout.write(`${listFormats[flags.format](opened)}\n`))
          await once(process.stdout, 'drain');
      }
    },
    { migrate: false },
  );
}
