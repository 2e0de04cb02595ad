// What the audit log says of reports that were made: whoever is handed one can look up its SHA-256. Details of an entry
// are as good as the entry.
import { z } from 'zod';
import type { AuditEntry } from '../audit-entry.ts';
import type { AuditEvent } from '../audit-event.ts';
import type { Principal } from '../principal.ts';
import { reportFormats, type ReportFormat } from './service.ts';

/** One file with a report. */
export interface MadeReport {
  readonly agent: string;
  readonly format: ReportFormat;
  /** The period [from, to), in RFC 3339. */
  readonly from: string;
  readonly to: string;
  /** Whether it tells all that the agent did, or what its reader may see. */
  readonly scope: 'all' | 'some';
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
  readonly bytes: number;
}

const madeReportSchema = z.object({
  agent: z.string(),
  format: z.enum(reportFormats),
  from: z.string(),
  to: z.string(),
  scope: z.enum(['all', 'some']),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
});
const detailsSchema = z.object({ reports: z.array(madeReportSchema) });

/** Reports that one entry names at most. */
export const mostMadeReports = 40;

/** The event for reports that are about to be handed out; `mostMadeReports` at most. */
export function reportMadeEvent(
  request: string,
  actor: Principal | null,
  by: string,
  reports: readonly MadeReport[],
): AuditEvent {
  const details = { by, reports: reports.map((report) => ({ ...report })) };
  return { action: 'audit.report-made', request, actor, repository: null, details };
}

/** The reports that an entry names; none where it is about something else. */
export function madeReportsOf({ action, details }: AuditEntry): readonly MadeReport[] {
  if (action !== 'audit.report-made') return [];
  return detailsSchema.safeParse(details).data?.reports ?? [];
}
