// `npm run eval -- DIR [--thresholds A,B] [--only SET,SET] [--json FILE]`: precision, recall and F1 on labelled sets, or,
// for a folder without labels, how many files in 1,000 are flagged. It prints figures, never what was found.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { catalogDigest } from '../../scanners/catalog.ts';
import { createScanPool, type ScanPool } from '../../server/scanning/pool.ts';
import { findSets, type LabelledSet } from './labels.ts';
import { measureFolder, tellFolder, tellSet } from './report.ts';
import { scanFolder } from './scan-folder.ts';
import { scoreLines } from './score-lines.ts';
import { scoreSpans } from './score-spans.ts';

const usage =
  'usage: npm run eval -- DIR [--thresholds 0.4,0.6,0.85] [--only SET,SET] [--json FILE]\n' +
  'DIR is a labelled set (labels.jsonl and files/), a folder of such sets, or any folder of files.\n';

interface Outcome {
  readonly lines: readonly string[];
  readonly figures: object;
}

async function evaluateSet(
  pool: ScanPool,
  set: LabelledSet,
  thresholds: readonly number[],
): Promise<Outcome> {
  const scan = await scanFolder(pool, join(set.directory, 'files'));
  const of = (file: string) => scan.findings.get(file) ?? [];
  const scores = thresholds.map((threshold) => ({
    threshold,
    score: set.kind === 'lines' ? scoreLines(set.rows, of, threshold) : scoreSpans(set.rows, of, threshold),
  }));
  const { files, bytes, seconds } = scan;
  return { lines: tellSet(set, scan, scores), figures: { set: set.name, files, bytes, seconds, scores } };
}

async function evaluateFolder(
  pool: ScanPool,
  folder: string,
  thresholds: readonly number[],
): Promise<Outcome> {
  const scan = await scanFolder(pool, folder);
  const measured = thresholds.map((threshold) => measureFolder(scan, threshold));
  const name = basename(resolve(folder));
  return {
    lines: tellFolder(name, scan, measured),
    figures: { folder: name, files: scan.files, bytes: scan.bytes, seconds: scan.seconds, measured },
  };
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      thresholds: { type: 'string', default: '0.4,0.6,0.85' },
      only: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const thresholds = values.thresholds.split(',').map(Number);
  const [folder] = positionals;
  if (
    folder === undefined ||
    positionals.length > 1 ||
    !thresholds.every((value) => value >= 0 && value <= 1)
  ) {
    process.stderr.write(usage);
    return 2;
  }
  const only = values.only?.split(',');
  const sets = (await findSets(folder)).filter(({ name }) => only === undefined || only.includes(name));
  if (sets.length === 0 && only !== undefined) {
    process.stderr.write(`no set of ${folder} has such a name\n`);
    return 2;
  }
  await using pool = await createScanPool({
    fingerprintKey: randomBytes(32),
    // Scores are of all findings, not of the first thousand of a file.
    limits: { maxFindings: 100_000 },
  });
  const date = new Date().toISOString().slice(0, 10);
  process.stdout.write(`${date}, catalog ${catalogDigest.slice(0, 16)}\n`);
  const outcomes: object[] = [];
  const tell = ({ lines, figures }: Outcome): void => {
    process.stdout.write(`${lines.join('\n')}\n`);
    outcomes.push(figures);
  };
  for (const set of sets) tell(await evaluateSet(pool, set, thresholds));
  if (sets.length === 0) tell(await evaluateFolder(pool, folder, thresholds));
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify({ date, catalogDigest, outcomes }, null, 1)}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
