// Promise 2 at the command line: over generated files of every format no output, report or error of any command holds a
// value that was matched, not even where something goes wrong on the way.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createScanner } from '../../scanners/scan.ts';
import { createRedactor } from '../../scanners/redact.ts';
import { zipOf } from '../support/archives.ts';
import { phiFormats, phiMessage, phiSample } from '../support/phi.ts';
import { run, type Run } from '../support/run.ts';
import { secretKinds, secretSample } from '../support/secrets.ts';
import { program } from './program.ts';
import { makeWorkTree, type WorkTree } from './work-tree.ts';

interface Planted {
  readonly path: string;
  readonly text: string;
  readonly values: readonly string[];
}

const project = fileURLToPath(new URL('../../', import.meta.url));
/** Shorter values, such as two-letter states, stand in ordinary words. */
const shortest = 5;

const planted: readonly Planted[] = [
  ...phiFormats.flatMap((format) =>
    [1, 2, 3].map((seed) => {
      const { path, text, values } = phiSample(format, seed);
      return { path: `${seed}/${path}`, text, values: values.map((value) => value.text) };
    }),
  ),
  ...secretKinds.map((kind) => {
    const { path, text, value } = secretSample(kind);
    // A key of several lines is seen by any of its lines.
    return { path: `secrets/${kind}/${path}`, text, values: value.split('\n') };
  }),
];
/** One of each kind, for commands that are started for each. */
const samples = planted.filter(({ path }) => !/^[23]\//.test(path));
const message = phiMessage(4);
const values = [
  ...planted.flatMap((each) => each.values),
  ...message.values.map((value) => value.text),
].filter((value) => value.length >= shortest && !value.startsWith('-----'));

/** The values that stand in a text, by their place in the list: a failing test must not show them either. */
function shown(text: string): readonly number[] {
  return values.flatMap((value, at) => (text.includes(value) ? [at] : []));
}

function said({ stdout, stderr }: Run): string {
  return `${stdout}\n${stderr}`;
}

let tree: WorkTree;

beforeAll(async () => {
  tree = await makeWorkTree();
  await tree.commit('first', { 'README.md': 'nothing\n' });
  for (const { path, text } of planted) {
    await mkdir(dirname(join(tree.path, path)), { recursive: true });
    await writeFile(join(tree.path, path), text);
  }
  const files = Object.fromEntries(planted.map(({ path, text }) => [path, text]));
  await writeFile(join(tree.path, 'all.zip'), zipOf(files));
  await tree.git('add', '.');
}, 120_000);

afterAll(async () => tree[Symbol.asyncDispose]());

describe('no value is told', () => {
  test.each([
    ['scan', 'text', []],
    ['scan', 'json', []],
    ['scan', 'sarif', []],
    ['scan', 'text', ['--staged']],
    ['scan', 'json', ['--policy', 'POLICY']],
  ] as const)('by %s in %s with %j', async (command, format, args) => {
    const policy = join(tree.path, '.git', 'policy.yaml');
    const named = args.map((arg) => (arg === 'POLICY' ? policy : arg));
    await writeFile(policy, (await tree.forgeguard('policy', 'default')).stdout);
    const done = await tree.forgeguard(command, '--format', format, ...named);
    expect(done.code).toBe(1);
    expect(done.stdout.length).toBeGreaterThan(10_000);
    expect(shown(said(done))).toEqual([]);
  });

  test('by scan of standard input', async () => {
    for (const { text } of samples) {
      const done = await run(process.execPath, [program, 'scan', '--stdin', '--format', 'json'], {
        cwd: tree.path,
        env: { PATH: process.env['PATH'] ?? '' },
        input: text,
      });
      expect(shown(said(done))).toEqual([]);
    }
  }, 180_000);

  test('by scan of a range, whose messages hold some too', async () => {
    await tree.git('commit', '-qm', message.text);
    const done = await tree.forgeguard('scan', '--diff', 'HEAD~1..HEAD', '--format', 'json');
    expect(done.code).toBe(1);
    expect(shown(said(done))).toEqual([]);
  });

  test('by redact, and what it passes on holds none that a scan finds', async () => {
    for (const { path, text } of planted) {
      const redactor = createRedactor({ path });
      const out = Buffer.concat([...(await redactor.write(Buffer.from(text))), ...(await redactor.end())]);
      const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });
      const { findings } = await scanner.scan({ kind: 'file', path }, out);
      const left = findings.filter(
        ({ confidence, severity, category, byteStart, byteEnd }) =>
          confidence >= 0.6 &&
          severity !== 'low' &&
          category !== 'policy' &&
          /[^*\s]/.test(out.toString('latin1', byteStart, byteEnd)),
      );
      expect([path, left.map(({ rule, line }) => `${rule} in line ${line}`)]).toEqual([path, []]);
    }
  }, 120_000);

  test('by policy explain', async () => {
    const { stdout } = await tree.forgeguard('scan', '--format', 'json', '1', 'secrets');
    const schema = z.object({ findings: z.array(z.object({ path: z.string(), line: z.number() })) });
    const places = new Map(schema.parse(JSON.parse(stdout)).findings.map(({ path, line }) => [path, line]));
    expect(places.size).toBeGreaterThan(10);
    for (const [path, line] of places)
      expect(shown(said(await tree.forgeguard('policy', 'explain', `${path}:${line}`)))).toEqual([]);
  }, 180_000);

  test('by what is wrong with files given in the place of others', async () => {
    for (const { path, text } of samples) {
      const wrong = [
        ['policy', 'check', path],
        ['policy', 'test', path, '--operation', path],
        ['scan', '--policy', path, '--stdin'],
        ['doctor', '--config', path],
      ];
      // One of these for each file: all for all would take minutes.
      const args = wrong[text.length % wrong.length] ?? [];
      expect(shown(said(await tree.forgeguard(...args)))).toEqual([]);
    }
  }, 180_000);

  test('by the evaluation', async () => {
    const done = await run(process.execPath, [join(project, 'bench/eval/main.ts'), tree.path], {
      env: { PATH: process.env['PATH'] ?? '' },
    });
    expect(done.code).toBe(0);
    expect(shown(said(done))).toEqual([]);
  });
});

test('the values are those of the files', async () => {
  for (const { path, values: own } of planted) {
    const text = await readFile(join(tree.path, path), 'utf8');
    for (const value of own) expect(text.includes(value)).toBe(true);
  }
  expect(values.length).toBeGreaterThan(60);
});
