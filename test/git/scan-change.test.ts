// The difference of two commits of an upstream: what it introduces is told, what was there before is told apart, and
// the upstream is asked little for it.
/* oxlint-disable unicorn/no-thenable -- `then` is a key of the policy's format */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthorsQuestion, ChangeFinding, ChangeScan } from '../../core/change-scan.ts';
import { parseOid, type Oid } from '../../core/oid.ts';
import type { Principal } from '../../core/principal.ts';
import type { ChangeScanner } from '../../core/services.ts';
import type { ForgeConfig } from '../../server/config.ts';
import { openGateway } from '../../server/git/gateway.ts';
import { createHistory } from '../../server/git/history.ts';
import { sweepQuarantines } from '../../server/git/quarantine.ts';
import { createRepositoryTable, type Repository } from '../../server/git/repository.ts';
import { createChangeScanner } from '../../server/git/scan-change.ts';
import { createSignatureVerifier } from '../../server/git/signatures.ts';
import { createUpstream } from '../../server/git/upstream.ts';
import { limitsSchema } from '../../server/limits.ts';
import { createPolicyService } from '../../server/policy/service.ts';
import { createScanPool } from '../../server/scanning/pool.ts';
import { createGitClient, type Files, type WorkTree } from '../support/client.ts';
import { secretSample } from '../support/secrets.ts';
import { makeSigningKeys, type SigningKeys, type SshSigner } from '../support/signing-keys.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const resources = new AsyncDisposableStack();
const signal = new AbortController().signal;
const old = secretSample('github-token', 1);
const fresh = secretSample('github-token', 2);
const secret = secretSample('npm-token', 4);
const actor: Principal = {
  kind: 'agent',
  id: 'agent:worker',
  issuer: 'test',
  subject: '1',
  groups: [],
  onBehalfOf: [],
  session: 'test',
  proof: 'forge',
};
let keys: SigningKeys;
let own: SshSigner;
let strange: SshSigner;
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
  keys = resources.use(await makeSigningKeys());
  const policyFile = `${directory.path}/policy.yaml`;
  own = await keys.ssh('worker');
  strange = await keys.ssh('strange');
  await writeFile(
    policyFile,
    JSON.stringify({
      version: 1,
      authors: {
        mode: 'strict',
        identities: [
          { principal: 'agent:worker', emails: ['agent@example.com'] },
          { principal: 'human:ada', emails: ['ada@example.org'] },
        ],
        signers: [{ id: 'worker', principal: 'agent:worker', ssh: [own.publicKey] }],
      },
      rules: [{ id: 'nothing', when: { operation: 'log' }, then: 'allow' }],
    }),
  );
  const policy = await createPolicyService({ file: policyFile });
  scanner = createChangeScanner({
    policy,
    signatures: await createSignatureVerifier(`${directory.path}/signers`, policy.authors.signers),
    clock: { now: () => new Date() },
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

/** Pushes what was committed and scans it against main. */
async function scanHead(branch: string, authors?: AuthorsQuestion): Promise<ChangeScan> {
  await tree.push(`+HEAD:refs/heads/${branch}`);
  return scanner.scanChange(
    {
      repository: 'forge/acme/app',
      ref: 'refs/heads/main',
      base: asOid(await tree.oid('origin/main')),
      head: asOid(await tree.oid('HEAD')),
      authors,
    },
    signal,
  );
}

/** Commits on a branch from main, pushes it, and scans it against main. */
async function scanned(branch: string, files: Files, message = 'Change'): Promise<ChangeScan> {
  await begin(branch);
  await tree.commit(message, files);
  return scanHead(branch);
}

async function begin(branch: string): Promise<void> {
  await tree.git('switch', '--quiet', '--create', branch, 'origin/main');
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
  await begin('moved');
  await tree.git('mv', 'deploy/gone.sh', 'deploy/moved.sh');
  await tree.commit('Move');
  const scan = await scanHead('moved');
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

const where = (found: readonly ChangeFinding[]) =>
  found.map(({ place, finding, commit }) => [place, finding.path, finding.line, commit]);

describe('what a later commit takes away', () => {
  test('is no part of the result, and told with the commit that brought it', async () => {
    await begin('fixed');
    await tree.commit('First', { 'a.txt': 'clean\n' });
    const bad = await tree.commit('Second', { 'a.sh': `echo\n${fresh.text}` });
    await tree.commit('Fix', { 'a.sh': 'echo\n' });
    const scan = await scanHead('fixed');
    expect([scan.introduced, scan.before]).toEqual([[], []]);
    expect(where(scan.earlier)).toEqual([['file', 'a.sh', 2, bad]]);
    expect(scan.size.commits).toBe(3);
  });

  test('is told once, and not where the result has it still', async () => {
    await begin('kept');
    await tree.commit('One', { 'a.sh': fresh.text });
    const moved = await tree.commit('Two', { 'a.sh': `echo\n${fresh.text}`, 'b.sh': secret.text });
    await tree.commit('Three', { 'b.sh': `echo\n${secret.text}` });
    await tree.git('rm', '--quiet', 'b.sh');
    await tree.commit('Four');
    const scan = await scanHead('kept');
    expect(told(scan.introduced)).toEqual([['file', 'a.sh', 2]]);
    expect(where(scan.earlier)).toEqual([['file', 'b.sh', 1, moved]]);
  });

  test('and was there before is not blamed on it, nor what it took from another file', async () => {
    await begin('restored');
    await tree.commit('Take away', { 'deploy/settings.sh': 'echo\n', 'x.txt': 'x\n' });
    await tree.git('mv', 'deploy/gone.sh', 'deploy/elsewhere.sh');
    await tree.commit('Move and put back', { 'deploy/settings.sh': `echo zero\n${old.text}` });
    await tree.git('rm', '--quiet', 'deploy/elsewhere.sh');
    await tree.commit('Remove', { 'deploy/settings.sh': 'echo\n' });
    expect((await scanHead('restored')).earlier).toEqual([]);
  });

  test('and came with a merge of the target is not blamed on it', async () => {
    await begin('side');
    await tree.commit('Own', { 'own.txt': 'own\n' });
    await tree.git('switch', '--quiet', '--detach', 'origin/main');
    await tree.commit('Of main', { 'of-main.sh': secret.text });
    await tree.push('HEAD:refs/heads/main');
    await tree.git('switch', '--quiet', 'side');
    await tree.git('merge', '--quiet', '--no-edit', 'origin/main');
    await tree.commit('More', { 'own.txt': 'more\n' });
    const scan = await scanHead('side');
    expect([scan.earlier, scan.introduced]).toEqual([[], []]);
    expect(scan.paths.map(({ path }) => path)).toEqual(['own.txt']);
  });

  test('is found in a merge that brings more than its parents, in names and in pointers', async () => {
    const ssn = ['536', '22', '1879'].join('-');
    await begin('left');
    await tree.commit('Left', { 'left.txt': 'l\n' });
    await tree.git('switch', '--quiet', '--create', 'right', 'origin/main');
    await tree.commit('Right', { 'right.txt': 'r\n' });
    await tree.git('merge', '--quiet', '--no-commit', '--no-ff', 'left');
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`;
    const merge = await tree.commit('Merge', {
      'evil.sh': fresh.text,
      [`of ${ssn}.txt`]: 'x\n',
      'big.bin': pointer,
    });
    await tree.git('rm', '--quiet', 'evil.sh', `of ${ssn}.txt`, 'big.bin');
    await tree.commit('Take away');
    const scan = await scanHead('right');
    expect(scan.earlier.map(({ place, finding, commit }) => [place, finding.rule, commit])).toEqual([
      ['path name', expect.stringMatching(/ssn/), merge],
      ['file', 'policy/lfs-unscanned', merge],
      ['file', 'secret/github-token', merge],
    ]);
    expect(JSON.stringify(scan.earlier)).not.toContain(ssn);
  });

  test('costs the upstream no more for many commits than for a few', async () => {
    await begin('long');
    for (let number = 0; number < 12; number += 1)
      await tree.commit(`Commit ${number}`, {
        [`dir-${number}/a.txt`]: `${number}\n`,
        'b.txt': `${number}\n`,
      });
    await tree.push('HEAD:refs/heads/long');
    upstream.forgetRequests();
    await scanHead('long');
    expect(upstream.requests.filter(({ method }) => method === 'POST').length).toBeLessThan(10);
  });
});

describe('who made the commits', () => {
  const question = (asks: boolean): AuthorsQuestion => ({ actor, asksSignatures: () => asks });
  const as = (name: string) => ['-c', `user.name=${name}`, '-c', `user.email=${name}@example.org`];

  test('is compared with whose change it is', async () => {
    await begin('authors');
    await tree.commit('Own');
    await tree.git(...as('ada'), 'commit', '--quiet', '--allow-empty', '-m', 'Of Ada');
    const other = await tree.oid('HEAD');
    await tree.git('commit', '--quiet', '--allow-empty', '-m', 'Fix\n\nOn-behalf-of: human:ada');
    const forged = await tree.oid('HEAD');
    const scan = await scanHead('authors', question(false));
    expect(scan.introduced.map(({ place, finding, commit }) => [place, finding.rule, commit])).toEqual([
      ['author line', 'policy/author-mismatch', other],
      ['author line', 'policy/author-mismatch', other],
      ['commit message', 'policy/forged-trailer', forged],
    ]);
    expect(scan.foreignAuthors).toEqual(['ada@example.org']);
    expect((await scanHead('authors')).introduced).toEqual([]);
  });

  test('is proved by signatures with keys that are known', async () => {
    await begin('signed');
    await tree.git(...own.git, 'commit', '--quiet', '--allow-empty', '-S', '-m', 'Signed');
    expect((await scanHead('signed', question(true))).signatures).toEqual(['good']);
    await tree.git(...strange.git, 'commit', '--quiet', '--allow-empty', '-S', '-m', 'By a stranger');
    await tree.git('commit', '--quiet', '--allow-empty', '-m', 'Plain');
    expect((await scanHead('signed', question(true))).signatures).toEqual(['good', 'unknown', 'none']);
    const raw = (await tree.git('cat-file', 'commit', 'HEAD~2')).stdout.replace('Signed', 'Changed');
    await tree.write({ '../changed.txt': raw });
    const made = await tree.git('hash-object', '-t', 'commit', '-w', '../changed.txt');
    await tree.git('reset', '--quiet', '--hard', made.stdout.trim());
    const scan = await scanHead('signed', question(true));
    expect([scan.signatures, scan.introduced.map(({ finding }) => finding.rule)]).toEqual([
      ['bad'],
      ['policy/bad-signature'],
    ]);
  });
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
      scanner.scanChange(
        { repository: 'forge/acme/app', ref: 'refs/heads/main', base, head, authors: undefined },
        signal,
      ),
    ),
  );
  expect(scans.map(({ paths }) => paths[0]?.path)).toEqual(heads.map((_, number) => `file-${number}.txt`));
  expect(upstream.requests.filter(({ method }) => method === 'POST').length).toBeLessThan(24);
});

test('a commit that the upstream does not have is told', async () => {
  const range = { repository: 'forge/acme/app', ref: 'refs/heads/main', authors: undefined };
  const base = asOid(await tree.oid('origin/main'));
  await expect(scanner.scanChange({ ...range, base, head: asOid('1'.repeat(40)) }, signal)).rejects.toThrow(
    "couldn't read from the upstream",
  );
});
