// The difference of two commits of an upstream: what it introduces is told, what was there before is told apart, and
// the upstream is asked little for it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChangeFinding, ChangeScan } from '../../core/change-scan.ts';
import { parseOid, type Oid } from '../../core/oid.ts';
import type { ChangeScanner } from '../../core/services.ts';
import type { ForgeConfig } from '../../server/config.ts';
import { openGateway } from '../../server/git/gateway.ts';
import { createHistory } from '../../server/git/history.ts';
import { sweepQuarantines } from '../../server/git/quarantine.ts';
import { createRepositoryTable, type Repository } from '../../server/git/repository.ts';
import { createChangeScanner } from '../../server/git/scan-change.ts';
import { createUpstream } from '../../server/git/upstream.ts';
import { limitsSchema } from '../../server/limits.ts';
import { createScanPool } from '../../server/scanning/pool.ts';
import { createGitClient, type Files, type WorkTree } from '../support/client.ts';
import { secretSample } from '../support/secrets.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const resources = new AsyncDisposableStack();
const signal = new AbortController().signal;
const old = secretSample('github-token', 1);
const fresh = secretSample('github-token', 2);
let upstream: Upstream;
let tree: WorkTree;
let scanner: ChangeScanner;

beforeAll(async () => {
  upstream = resources.use(await startUpstream());
  const directory = resources.use(await temporaryDirectory('scan-change'));
  const client = resources.use(await createGitClient());
  await upstream.createRepo('acme/app', {
    seed: {
      'README.md': '# app\n',
      'deploy/settings.sh': `echo one\n${old.text}echo two\n`,
      'deploy/gone.sh': secretSample('npm-token', 3).text,
    },
  });
  tree = await client.clone(`${upstream.url}/acme/app.git`);
  const forge: ForgeConfig = {
    name: 'forge',
    url: upstream.url,
    credential: { mode: 'none' },
    repositories: ['**'],
    allowRedirectsTo: [],
  };
  const toForge = createUpstream(forge, 30_000, () => performance.now());
  resources.defer(() => toForge.close());
  const table = createRepositoryTable([forge]);
  const repositoryOf = (name: string): Repository =>
    table.route('POST', `${name}/git-receive-pack`, undefined).repository;
  const quarantineRoot = `${directory.path}/quarantine`;
  await sweepQuarantines(quarantineRoot);
  scanner = createChangeScanner({
    scanner: resources.use(await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 })),
    limits: limitsSchema.parse({}),
    repositoryOf,
    history: await createHistory(`${directory.path}/history`),
    gateway: resources.use(await openGateway({ upstreamOf: () => toForge, repositoryOf })),
    quarantineRoot,
    toleratesWhileIndexing: false,
  });
});
afterAll(() => resources.disposeAsync());

const asOid = (text: string): Oid => {
  const oid = parseOid(text, 'sha1');
  if (oid === undefined) throw new Error(`${text} is no id`);
  return oid;
};

/** Commits on a branch from main, pushes it, and scans it against main. */
async function scanned(branch: string, files: Files, message = 'Change'): Promise<ChangeScan> {
  await tree.git('switch', '--quiet', '--create', branch, 'origin/main');
  await tree.commit(message, files);
  await tree.push(`HEAD:refs/heads/${branch}`);
  const range = { base: asOid(await tree.oid('origin/main')), head: asOid(await tree.oid('HEAD')) };
  return scanner.scanChange({ repository: 'forge/acme/app', ref: 'refs/heads/main', ...range }, signal);
}

const told = (found: readonly ChangeFinding[]): readonly (readonly [string, string, number])[] =>
  found.map(({ place, finding }) => [place, finding.path, finding.line]);

test('a clean change has nothing', async () => {
  const scan = await scanned('clean', { 'src/a.ts': 'export const a = 1;\n' });
  expect([scan.introduced, scan.before]).toEqual([[], []]);
  expect(scan.paths).toEqual([{ path: 'src/a.ts', change: 'add', mode: '100644', ref: 'refs/heads/main' }]);
  expect(scan.size).toEqual({ bytes: 20, objects: 1, commits: 1 });
  expect(scan.mergeBase).toBe(await tree.oid('origin/main'));
});

test('what was in the file before is told apart, and what is new on its line', async () => {
  const scan = await scanned('edited', {
    'deploy/settings.sh': `echo zero\necho one\n${old.text}echo two\n${fresh.text}`,
  });
  expect(told(scan.before)).toEqual([['file', 'deploy/settings.sh', 3]]);
  expect(told(scan.introduced)).toEqual([['file', 'deploy/settings.sh', 5]]);
});

test('a file that moved brings nothing new', async () => {
  await tree.git('switch', '--quiet', '--create', 'moved', 'origin/main');
  await tree.git('mv', 'deploy/gone.sh', 'deploy/moved.sh');
  await tree.commit('Move');
  await tree.push('HEAD:refs/heads/moved');
  const range = { base: asOid(await tree.oid('origin/main')), head: asOid(await tree.oid('HEAD')) };
  const scan = await scanner.scanChange(
    { repository: 'forge/acme/app', ref: 'refs/heads/main', ...range },
    signal,
  );
  expect([told(scan.introduced), told(scan.before)]).toEqual([[], [['file', 'deploy/moved.sh', 1]]]);
});

test('messages and names of files are scanned', async () => {
  const ssn = ['536', '22', '1879'].join('-');
  const scan = await scanned('texts', { [`notes/ssn ${ssn}.txt`]: 'x\n' }, `Fix\n\n${fresh.text}`);
  expect(scan.introduced.map(({ place }) => place)).toEqual(['path name', 'commit message']);
  expect(scan.introduced[1]?.commit).toBe(await tree.oid('HEAD'));
  expect(JSON.stringify(scan.introduced)).not.toContain(ssn);
  expect(scan.shown(`notes/ssn ${ssn}.txt`)).not.toContain(ssn);
});

test('what a later commit takes away is no part of the change', async () => {
  await scanned('fixed', { 'a.sh': fresh.text });
  await tree.commit('Fix', { 'a.sh': 'echo\n' });
  await tree.push('HEAD:refs/heads/fixed');
  const range = { base: asOid(await tree.oid('origin/main')), head: asOid(await tree.oid('HEAD')) };
  const scan = await scanner.scanChange(
    { repository: 'forge/acme/app', ref: 'refs/heads/main', ...range },
    signal,
  );
  expect(scan.introduced).toEqual([]);
  expect(scan.size.commits).toBe(2);
});

test('many changes at once ask the upstream a few times', async () => {
  const base = asOid(await tree.oid('origin/main'));
  const heads: Oid[] = [];
  for (let number = 0; number < 12; number += 1) {
    await tree.git('switch', '--quiet', '--create', `many-${number}`, 'origin/main');
    heads.push(asOid(await tree.commit(`Change ${number}`, { [`file-${number}.txt`]: `line ${number}\n` })));
  }
  await tree.push('refs/heads/many-*:refs/heads/many-*');
  upstream.forgetRequests();
  const scans = await Promise.all(
    heads.map((head) =>
      scanner.scanChange({ repository: 'forge/acme/app', ref: 'refs/heads/main', base, head }, signal),
    ),
  );
  expect(scans.map(({ paths }) => paths[0]?.path)).toEqual(heads.map((_, number) => `file-${number}.txt`));
  expect(upstream.requests.filter(({ method }) => method === 'POST').length).toBeLessThan(24);
});

test('a commit that the upstream does not have is told', async () => {
  const range = { base: asOid(await tree.oid('origin/main')), head: asOid('1'.repeat(40)) };
  await expect(
    scanner.scanChange({ repository: 'forge/acme/app', ref: 'refs/heads/main', ...range }, signal),
  ).rejects.toThrow("couldn't read from the upstream");
});
