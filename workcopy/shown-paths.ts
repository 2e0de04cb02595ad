// Names of files are part of a change and are scanned like its lines: a name in which a value was found is shown masked
// wherever the report tells it.
import { scanNames } from '../server/git/masked-names.ts';
import type { ScanPool } from '../server/scanning/pool.ts';
import type { ScanReport } from './scan-run.ts';

/** The report of a change with every path as it may be shown. */
export async function showPaths(report: ScanReport, pool: ScanPool): Promise<ScanReport> {
  const shown = await findShownPaths(report, pool);
  return {
    ...report,
    findings: report.findings.map((finding) => ({ ...finding, path: shown(finding.path) })),
    problems: report.problems.map((problem) => ({ ...problem, path: shown(problem.path) })),
  };
}

/** How each path of the report may be shown. */
export async function findShownPaths(report: ScanReport, pool: ScanPool): Promise<(path: string) => string> {
  const paths = [...new Set([...report.findings, ...report.problems].map(({ path }) => path))];
  if (paths.length === 0) return (path) => path;
  return (await scanNames(paths, pool, new AbortController().signal)).shown;
}
