// A report as one HTML document that needs nothing else: no script, no font, no picture from elsewhere.
import { readFile } from 'node:fs/promises';
import { Eta } from 'eta';
import type { Report } from '../../core/report/schema.ts';

/** Days that are drawn one by one; a longer period is drawn by week. */
const mostDays = 92;
const dayMs = 86_400_000;

interface Bar {
  readonly label: string;
  readonly attempts: number;
}

/** Attempts of each day or week of the period, those included that have none. */
function barsOf({ period, days }: Report): { readonly bars: readonly Bar[]; readonly barUnit: string } {
  if (days.length === 0) return { bars: [], barUnit: 'day' };
  const first = Date.parse(`${period.from.slice(0, 10)}T00:00:00.000Z`);
  const last = Math.min(Date.parse(period.to), Date.parse(`${days.at(-1)?.day}T00:00:00.000Z`) + dayMs);
  const begin = Math.max(first, Date.parse(`${days[0]?.day}T00:00:00.000Z`) - dayMs);
  const step = (last - begin) / dayMs > mostDays ? 7 * dayMs : dayMs;
  const counts = new Map(days.map(({ day, attempts }) => [Date.parse(`${day}T00:00:00.000Z`), attempts]));
  const bars: Bar[] = [];
  for (let at = begin; at < last; at += step) {
    let attempts = 0;
    for (let day = at; day < at + step; day += dayMs) attempts += counts.get(day) ?? 0;
    bars.push({ label: new Date(at).toISOString().slice(0, 10), attempts });
  }
  return { bars, barUnit: step === dayMs ? 'day' : 'week' };
}

export interface ReportPrinter {
  /** The document; every text of the report is escaped in it. */
  html(report: Report): Promise<string>;
}

/** Reads the template once, when it is first needed. */
export function createReportPrinter(): ReportPrinter {
  const eta = new Eta({ autoEscape: true });
  let template: Promise<string> | undefined;
  return {
    html: async (report) => {
      template ??= readFile(new URL('report.eta', import.meta.url), 'utf8');
      const text = eta.renderString(await template, { report, ...barsOf(report) });
      return text.trimStart();
    },
  };
}
