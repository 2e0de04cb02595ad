// Scanned megabytes a second on one core, on the source of the installed packages: against secretlint with its
// recommended rules, and against ripgrep and gitleaks with a fixed set of expressions where they are installed.
import { lintSource } from '@secretlint/core';
import { secretLintProfiler } from '@secretlint/profiler';
import { creator as recommended } from '@secretlint/secretlint-rule-preset-recommend';
import { createHash } from 'node:crypto';
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { isolatedGitEnvironment, run } from '../../test/support/run.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { createScanner } from '../../scanners/scan.ts';
import type { BenchCase } from '../bench-case.ts';
import { expressions, gitleaksConfig } from '../expressions.ts';
import { cpuSecondsOf, interleave, type Row, sampleOf, secondsOf } from '../measure.ts';

interface CorpusFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const megabyte = 1_000_000;
const extensions = ['.js', '.ts', '.json', '.md', '.css', '.yml', '.txt'];

/** Small files from all over the installed packages, the same ones each time, until there are `limit` bytes. */
async function readCorpus(limit: number): Promise<readonly CorpusFile[]> {
  const project = new URL('../../', import.meta.url).pathname;
  const paths: string[] = [];
  for await (const path of glob('node_modules/**/*.*', { cwd: project })) {
    if (extensions.includes(extname(path))) paths.push(path);
  }
  const corpus: CorpusFile[] = [];
  let total = 0;
  for (const path of shuffled(paths)) {
    if (total >= limit) break;
    const bytes = await readFile(join(project, path)).catch(() => undefined);
    if (bytes === undefined || bytes.length === 0 || bytes.length > 300_000) continue;
    corpus.push({ path, bytes: Uint8Array.from(bytes) });
    total += bytes.length;
  }
  return corpus;
}

/** In an order that follows nothing: sorted, the first megabytes would be one package's. */
function shuffled(paths: readonly string[]): readonly string[] {
  const rank = (path: string): string => createHash('sha256').update(path).digest('hex');
  const ranked = paths.map((path) => ({ path, rank: rank(path) }));
  return ranked.toSorted((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ path }) => path);
}

/** The outside program's megabytes a second, or why there are none. */
async function programRate(
  command: string,
  args: readonly string[],
  megabytes: number,
  home: string,
): Promise<number | string> {
  const env = { ...isolatedGitEnvironment(home), GOMAXPROCS: '1' };
  try {
    const done = await run(command, args, { env, deadline: 300_000 });
    return done.code === 0 || done.code === 1 ? megabytes / done.seconds : `exit ${done.code}`;
  } catch {
    return 'not installed';
  }
}

/** The scan case. */
export const scanCase: BenchCase = {
  name: 'scan',
  title: 'megabytes scanned per second and core',
  needs: 'nothing',
  run: async ({ quick }) => {
    const corpus = await readCorpus(quick ? 4 * megabyte : 24 * megabyte);
    const megabytes = corpus.reduce((sum, { bytes }) => sum + bytes.length, 0) / megabyte;
    const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });
    await scanner.warm();
    // Its profiler costs more with every file; switched off, as its own command line does.
    secretLintProfiler.setEnabled(false);
    const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: recommended }] };
    const texts = corpus.map(({ path, bytes }) => ({ path, content: Buffer.from(bytes).toString('utf8') }));
    const secretlint = async (): Promise<number> => {
      const seconds = await cpuSecondsOf(async () => {
        for (const { path, content } of texts) {
          const source = { filePath: path, content, ext: extname(path), contentType: 'text' } as const;
          await lintSource({ source, options: { config } });
        }
      });
      return megabytes / seconds;
    };
    let findings = 0;
    const elapsed: number[] = [];
    const own = async (): Promise<number> => {
      findings = 0;
      let cpu = 0;
      const seconds = await secondsOf(async () => {
        cpu = await cpuSecondsOf(async () => {
          for (const { path, bytes } of corpus) {
            findings += (await scanner.scan({ kind: 'file', path }, bytes)).findings.length;
          }
        });
      });
      elapsed.push(megabytes / seconds);
      return megabytes / cpu;
    };
    // A guard runs for weeks: both sides are measured once the compiler has seen their loops.
    const warmUp = quick ? 20 : 8;
    const { base, ours } = await interleave(quick ? 3 : 9, secretlint, own, warmUp);
    const note = `${corpus.length} files, ${megabytes.toFixed(1)} MB, ${findings} findings, processor time`;
    return [
      { measure: 'PHI and secrets', unit: 'MB/s', baseName: 'secretlint', base, ours, note },
      // The programs are told apart by the clock, and so are we from them.
      ...(await programRows(corpus, megabytes, sampleOf(elapsed.slice(warmUp)))),
    ];
  },
};

async function programRows(
  corpus: readonly CorpusFile[],
  megabytes: number,
  ours: Row['ours'],
): Promise<readonly Row[]> {
  await using directory = await temporaryDirectory('bench-scan');
  const files = join(directory.path, 'files');
  for (const { path, bytes } of corpus) {
    // Not under the name node_modules, which the programs leave out.
    const target = join(files, path.replaceAll('node_modules', 'packages'));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
  }
  const [patterns, rules] = [join(directory.path, 'expressions'), join(directory.path, 'gitleaks.toml')];
  await writeFile(patterns, `${expressions.map(({ source }) => source).join('\n')}\n`);
  await writeFile(rules, gitleaksConfig());
  const programs = [
    [
      'rg',
      [
        '--threads=1',
        '--no-unicode',
        '--dfa-size-limit=1G',
        '--no-ignore',
        '--hidden',
        '--count-matches',
        '--file',
        patterns,
        files,
      ],
    ],
    ['gitleaks', ['dir', '--no-banner', '--exit-code=0', '--config', rules, files]],
  ] as const;
  const rows: Row[] = [];
  for (const [command, args] of programs) {
    const rate = await programRate(command, args, megabytes, directory.path);
    rows.push({
      measure: `${command}, ${expressions.length} expressions`,
      unit: 'MB/s',
      baseName: command,
      base: typeof rate === 'number' ? sampleOf([rate]) : null,
      ours,
      ...(typeof rate === 'number' ? {} : { note: rate }),
    });
  }
  return rows;
}
