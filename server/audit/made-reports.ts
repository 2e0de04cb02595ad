// Finds the entries about a report by its SHA-256. Entries are only looked at; what they say is for a proof to show.
import { parseEntry, type AuditEntry } from '../../core/audit-entry.ts';
import { madeReportsOf, type MadeReport } from '../../core/report/made.ts';
import type { Queryable } from '../db.ts';
import { readEntriesBefore } from './store.ts';

export interface FoundReport {
  readonly entry: AuditEntry;
  readonly report: MadeReport;
}

const pageSize = 1_024;
// An entry is canonical: its action stands in front.
const beginning = Buffer.from('{"action":"audit.report-made"');

/** The entries among the first `size` that name a report with this SHA-256 (hex), oldest first. */
export async function* findReports(
  client: Queryable,
  size: number,
  sha256: string,
): AsyncGenerator<FoundReport, undefined> {
  for (let next = 0; next < size;) {
    const page = await readEntriesBefore(client, next, size, pageSize);
    const last = page.at(-1);
    if (last === undefined) return;
    next = last.index + 1;
    for (const { body } of page) {
      if (beginning.compare(body, 0, beginning.length) !== 0) continue;
      const entry = parseEntry(body);
      if (entry === undefined) continue;
      for (const report of madeReportsOf(entry)) if (report.sha256 === sha256) yield { entry, report };
    }
  }
}
