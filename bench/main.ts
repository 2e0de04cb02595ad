// `npm run bench -- [NAME…] [--quick] [--entries N] [--json FILE] [--list]`: figures as ratios, both sides measured in one run.
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { isolatedGitEnvironment, run } from '../test/support/run.ts';
import type { BenchCase, BenchOptions } from './bench-case.ts';
import { auditEvidenceCase } from './cases/audit-evidence.ts';
import { auditSinksCase } from './cases/audit-sinks.ts';
import { auditCase } from './cases/audit.ts';
import { cloneCase } from './cases/clone.ts';
import { concurrentCases } from './cases/concurrent.ts';
import { memoryCase } from './cases/memory.ts';
import { pushCases } from './cases/push.ts';
import { redactCase } from './cases/redact.ts';
import { scanCase } from './cases/scan.ts';
import { ratioOf } from './measure.ts';
import { startScene } from './scene.ts';
import { type CaseResult, describeMachine, formatTable } from './table.ts';

const cases: readonly BenchCase[] = [
  ...pushCases,
  cloneCase,
  ...concurrentCases,
  memoryCase,
  scanCase,
  redactCase,
  auditCase,
  auditEvidenceCase,
  auditSinksCase,
];

async function runCase(benchCase: BenchCase, options: BenchOptions): Promise<CaseResult> {
  const { name, title } = benchCase;
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    if (benchCase.needs === 'nothing') {
      return { name, title, rows: await benchCase.run(options), seconds: seconds() };
    }
    // A guard of its own for each case, so that none inherits another's memory or caches.
    await using scene = await startScene();
    return { name, title, rows: await benchCase.run(scene, options), seconds: seconds() };
  } catch (error) {
    return { name, title, rows: [], seconds: seconds(), failure: String(error) };
  }
}

/** Runs the cases that were asked for; the exit code is 1 where one failed, 2 where a name is unknown. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      entries: { type: 'string' },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.list) {
    for (const { name, title } of cases) console.log(`${name.padEnd(16)} ${title}`);
    return 0;
  }
  const unknown = positionals.filter((wanted) => !cases.some(({ name }) => name === wanted));
  if (unknown.length > 0) {
    console.error(`no such case: ${unknown.join(', ')}; --list shows all`);
    return 2;
  }
  const chosen = cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const results: CaseResult[] = [];
  for (const benchCase of chosen) {
    console.error(`${benchCase.name}: ${benchCase.title}`);
    const result = await runCase(benchCase, {
      quick: values.quick,
      entries: values.entries === undefined ? undefined : Number(values.entries),
    });
    console.error(`${benchCase.name}: ${result.failure ?? `done in ${result.seconds.toFixed(1)} s`}`);
    results.push(result);
  }
  const version = await run('git', ['version'], { env: isolatedGitEnvironment(tmpdir()) });
  const machine = describeMachine(version.stdout);
  console.log(
    Object.entries(machine)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\n'),
  );
  console.log(`\n${values.quick ? 'QUICK RUN: not for publication\n\n' : ''}${formatTable(results)}`);
  if (values.json !== undefined) {
    const rated = results.map((result) => ({
      ...result,
      rows: result.rows.map((row) => ({ ...row, ratio: ratioOf(row) })),
    }));
    await writeFile(
      values.json,
      `${JSON.stringify({ machine, quick: values.quick, results: rated }, null, 2)}\n`,
    );
  }
  return results.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

process.exitCode = await main();
