// Reports about agents, made from sessions and the audit log.
import type { ReportService } from '../../core/report/service.ts';
import { buildReport, type ReportSources } from './build.ts';
import { csvOf } from './csv.ts';
import { createReportPrinter } from './html.ts';
import { createPdfPrinter } from './pdf.ts';

export interface ReportsOptions extends ReportSources {
  /** The browser's program; undefined: the known places are looked at. */
  readonly chromium: string | undefined;
}

export interface Reports extends AsyncDisposable {
  readonly service: ReportService;
}

/** Opens the part. */
export function createReports({ chromium, ...sources }: ReportsOptions): Reports {
  const printer = createReportPrinter();
  const pdf = createPdfPrinter(chromium);
  return {
    service: {
      report: (question) => buildReport(sources, question),
      html: (report) => printer.html(report),
      pdf: async (report) =>
        pdf.print(
          await printer.html(report),
          `${report.agent.id} · ${report.period.from.slice(0, 10)} to ${report.period.to.slice(0, 10)} · log ${report.integrity.log}, ${report.integrity.size} entries`,
        ),
      csv: (question) => csvOf(sources, question),
    },
    [Symbol.asyncDispose]: () => pdf[Symbol.asyncDispose](),
  };
}
