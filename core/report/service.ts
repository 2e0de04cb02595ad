// Reports as a port between the part that makes them and those who hand them out. Who may see what is for the caller to
// decide.
import type { Period } from '../activity/service.ts';
import type { Sight } from '../activity/visibility.ts';
import type { Report } from './schema.ts';

export const reportFormats = ['json', 'html', 'csv', 'pdf'] as const;
export type ReportFormat = (typeof reportFormats)[number];

export interface ReportQuestion {
  readonly agent: string;
  readonly period: Period;
  /** What of it the reader may see. */
  readonly sight: Sight;
  readonly scope: Report['scope'];
  readonly signal: AbortSignal;
}

export interface ReportService {
  /** Rejects with `agent/unknown` where nobody of this name was seen. */
  report(question: ReportQuestion): Promise<Report>;
  html(report: Report): Promise<string>;
  /** Rejects with `report/no-browser`, `report/failed` or `request/too-many`. */
  pdf(report: Report): Promise<Uint8Array>;
  /** All attempts as CSV, some lines at a time. */
  csv(question: ReportQuestion): AsyncIterable<string>;
}
