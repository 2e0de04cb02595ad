// Whose names, trailers and signatures commits and tags may bear, with the real git client, ssh-keygen and gpg.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorsPolicy } from '../support/authors-policy.ts';
import { ok, type WorkTree } from '../support/client.ts';
import { send } from '../support/made-push.ts';
import {
  cloneSeeded,
  type PushForge,
  type PushRepository,
  type Seeded,
  startPushForge,
} from '../support/push-forge.ts';
import { readRefusal } from '../support/refusal.ts';
import { run, type Run } from '../support/run.ts';
import {
  makeSigningKeys,
  type PgpSigner,
  type SigningKeys,
  type SshSigner,
} from '../support/signing-keys.ts';

let keys: SigningKeys;
let signers: Readonly<Record<'own' | 'ada' | 'forge' | 'old' | 'nobody', SshSigner>>;
let pgp: Readonly<Record<'own' | 'nobody', PgpSigner>>;
let forge: PushForge;

const stranger = 'Eve <eve@example.net>';
const ada = 'Ada Lovelace <ada@example.org>';

beforeAll(async () => {
  keys = await makeSigningKeys();
  signers = {
    own: await keys.ssh('own'),
    ada: await keys.ssh('ada'),
    forge: await keys.ssh('forge'),
    old: await keys.ssh('old'),
    nobody: await keys.ssh('nobody'),
  };
  pgp = { own: await keys.pgp('worker'), nobody: await keys.pgp('nobody') };
  forge = await startPushForge({
    policy: authorsPolicy(signers, pgp.own),
  });
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});

const seeded = (): Promise<Seeded> => cloneSeeded(forge, { 'README.md': 'hello\n' });
const branch = 'refs/heads/agent/work';

const fg = (...args: readonly string[]): Promise<Run> =>
  run(process.execPath, [fileURLToPath(new URL('../../cli/forgeguard.ts', import.meta.url)), ...args], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
  });

/** Commits with other names, or signed, or both. */
async function commitAs(
  work: WorkTree,
  options: {
    readonly author?: string;
    readonly committer?: string;
    readonly message?: string;
    readonly signer?: SshSigner;
  },
): Promise<string> {
  const { author, committer, message = 'Work', signer } = options;
  const [, name = '', email = ''] = /^(.*) <(.*)>$/.exec(committer ?? '') ?? [];
  const done = await forge.client.git(
    [
      ...(signer?.git ?? []),
      'commit',
      '--quiet',
      '--allow-empty',
      '-m',
      message,
      ...(author === undefined ? [] : ['--author', author]),
      ...(signer === undefined ? [] : ['-S']),
    ],
    {
      cwd: work.directory,
      env: {
        ...keys.environment,
        ...(committer === undefined ? {} : { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }),
      },
    },
  );
  ok(done);
  return work.oid('HEAD');
}

async function rulesOf(
  work: WorkTree,
  repo: PushRepository,
  target = `HEAD:${branch}`,
): Promise<readonly string[]> {
  const before = await repo.upstream.refs();
  const pushed = await work.push(target, { options: ['forgeguard.format=json'] });
  if (pushed.code === 0) return [];
  expect(await repo.upstream.refs()).toEqual(before);
  const { reasons, findings } = readRefusal(pushed.stderr);
  return [...new Set([...reasons, ...findings].map(({ rule }) => rule))].toSorted();
}

const mismatch = ['impersonation', 'policy/author-mismatch', 'strangers'];
const forged = ['impersonation', 'policy/forged-trailer'];

describe('people', () => {
  test('the agent and the one for whom it acts may be named', async () => {
    const { repo, work } = await seeded();
    await commitAs(work, {});
    await commitAs(work, { author: 'Op <Operator@Example.org>' });
    await commitAs(work, { author: 'W <worker@agents.example.com>', committer: 'Op <operator@example.org>' });
    expect(await rulesOf(work, repo)).toEqual([]);
    expect((await repo.lastAttempt()).details('push.decided')).not.toHaveProperty('foreignAuthors');
  });

  test('an author who is somebody else is refused, told without the address, and mended as advised', async () => {
    const { repo, work } = await seeded();
    const oid = await commitAs(work, { author: stranger });
    const pushed = await work.push(`HEAD:${branch}`);
    expect(pushed.code).toBe(1);
    expect(pushed.stderr).toContain(`commit ${oid.slice(0, 12)}  author line`);
    expect(pushed.stderr).toContain('e***@example.net');
    expect(pushed.stderr).toContain('agent:worker for human:operator');
    expect(pushed.stderr).toContain('It commits as worker@agents.example.com.');
    expect(pushed.stderr).not.toContain('eve@');
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({
      verdict: 'deny',
      foreignAuthors: 1,
      findings: [
        { rule: 'policy/author-mismatch', place: 'author line', commit: oid, masked: 'e***@example.net' },
      ],
    });
    expect(await forge.stored()).not.toContain('eve@');
    expect(pushed.stderr).toContain('git commit --amend --no-edit --reset-author');
    ok(await work.git('commit', '--quiet', '--amend', '--allow-empty', '--no-edit', '--reset-author'));
    expect(await rulesOf(work, repo)).toEqual([]);
  });

  test.each([
    { what: 'a committer', options: { committer: stranger } },
    {
      what: 'the name of somebody else beside an own address',
      options: { author: 'Ada Lovelace <agent@example.com>' },
    },
  ])('$what is refused', async ({ options }) => {
    const { repo, work } = await seeded();
    await commitAs(work, options);
    expect(await rulesOf(work, repo)).toEqual(mismatch);
  });

  test('a mailmap is not asked, and an older commit of the push is seen', async () => {
    const { work } = await seeded();
    const oid = await commitAs(work, { author: stranger });
    await work.commit('Mailmap', { '.mailmap': 'Agent <agent@example.com> <eve@example.net>\n' });
    const pushed = await work.push(`HEAD:${branch}`);
    expect(pushed.stderr).toContain('policy/author-mismatch');
    expect(pushed.stderr).toContain(`git rebase ${oid.slice(0, 12)}^ --exec`);
  });

  test('a tagger is compared', async () => {
    const { repo, work } = await seeded();
    ok(
      await forge.client.git([...signers.own.git, 'tag', '-s', 'v1', '-m', 'One'], {
        cwd: work.directory,
        env: { GIT_COMMITTER_NAME: 'Eve', GIT_COMMITTER_EMAIL: 'eve@example.net' },
      }),
    );
    expect(await rulesOf(work, repo, 'refs/tags/v1')).toEqual(mismatch);
  });
});

describe('commits of other people', () => {
  test('pass where a branch of the upstream reaches them, through a merge, a new branch or a rebase', async () => {
    const { repo, work } = await seeded();
    const other = await repo.clone();
    await commitAs(other, { author: ada, committer: ada });
    await commitAs(other, { author: ada, committer: ada });
    ok(await other.push('HEAD:refs/heads/main', { to: repo.directUrl }));
    await commitAs(work, {});
    ok(await work.git('fetch', '--quiet', 'origin'));
    ok(await work.git('merge', '--quiet', '--no-edit', 'origin/main'));
    expect(await rulesOf(work, repo)).toEqual([]);
    ok(await work.git('checkout', '--quiet', '-b', 'again', 'origin/main'));
    await commitAs(work, {});
    expect(await rulesOf(work, repo, 'HEAD:refs/heads/agent/again')).toEqual([]);
  });

  test('pass though the client packs them again', async () => {
    const { repo, work } = await seeded();
    const other = await repo.clone();
    await commitAs(other, { author: ada, committer: ada });
    ok(await other.push('HEAD:refs/heads/ada', { to: repo.directUrl }));
    // The upstream's branch is not advertised as the client's remote knows it, so that its commit is in the pack.
    ok(await work.git('fetch', '--quiet', other.directory, 'HEAD'));
    ok(await work.git('checkout', '--quiet', '--detach', 'FETCH_HEAD'));
    await commitAs(work, {});
    const tip = await work.oid('HEAD');
    const packed = await forge.client.git(['pack-objects', '--stdout', '--revs', '--quiet'], {
      cwd: work.directory,
      input: `${tip}\n`,
    });
    const report = await send(forge, repo, {
      commands: [{ oldOid: '0'.repeat(40), newOid: tip, ref: branch }],
      pack: packed.stdoutBytes,
    });
    expect(report.refs).toMatchObject([{ ok: true }]);
  });

  test('are refused where nobody has pushed them: merged, cherry-picked, imported', async () => {
    const { repo, work } = await seeded();
    const other = await repo.clone();
    await other.write({ 'ada.txt': 'x\n' });
    ok(await other.git('add', '--all'));
    await commitAs(other, { author: ada, committer: ada });
    ok(await work.git('fetch', '--quiet', other.directory, 'HEAD'));
    ok(await work.git('merge', '--quiet', '--no-ff', '--no-edit', 'FETCH_HEAD'));
    expect(await rulesOf(work, repo)).toEqual(mismatch);
    ok(await work.git('reset', '--quiet', '--hard', 'origin/main'));
    ok(await work.git('cherry-pick', 'FETCH_HEAD'));
    expect(await rulesOf(work, repo)).toEqual(mismatch);
  });
});

describe('trailers', () => {
  test.each([
    { trailer: 'Agent: agent:worker', rules: [] },
    { trailer: 'On-behalf-of: Op <operator@example.org>', rules: [] },
    { trailer: 'ON-BEHALF-OF: human:ada', rules: forged },
    { trailer: 'Co-authored-by: Ada <ADA@example.org>', rules: forged },
  ])('$trailer', async ({ trailer, rules }) => {
    const { repo, work } = await seeded();
    await commitAs(work, { message: `Work\n\nAgent: no trailer but prose\n\n${trailer}` });
    expect(await rulesOf(work, repo)).toEqual(rules);
  });

  test('the hook that is printed writes those that pass', async () => {
    const { repo, work } = await seeded();
    const names = ['--agent', 'agent:worker', '--on-behalf-of', 'human:operator'];
    const lines = await fg('trailers', ...names);
    expect(lines.stdout).toBe('Agent: agent:worker\nOn-behalf-of: human:operator\n');
    const hook = await fg('trailers', '--hook', ...names);
    const file = `${work.directory}/.git/hooks/prepare-commit-msg`;
    ok(
      await run('sh', ['-c', `cat > '${file}' && chmod +x '${file}'`], {
        cwd: work.directory,
        env: {},
        input: hook.stdout,
      }),
    );
    await commitAs(work, {});
    ok(await work.git('commit', '--quiet', '--amend', '--allow-empty', '--no-edit'));
    const message = ok(await work.git('log', '-1', '--format=%B')).stdout;
    expect(message.trim()).toBe('Work\n\nAgent: agent:worker\nOn-behalf-of: human:operator');
    expect(await rulesOf(work, repo)).toEqual([]);
    expect((await fg('trailers', '--agent', "agent:x'; true")).code).toBe(2);
  });
});

describe('signatures', () => {
  const release = 'HEAD:refs/heads/release/1';

  test('of configured keys are good, with OpenSSH and OpenPGP', async () => {
    const { repo, work } = await seeded();
    await commitAs(work, { signer: signers.own });
    await commitAs(work, { signer: pgp.own });
    expect(await rulesOf(work, repo, release)).toEqual([]);
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({ signatures: ['good'] });
  });

  test.each([
    { what: 'none', state: 'none', signer: (): SshSigner | undefined => undefined },
    { what: 'a key that nobody knows', state: 'unknown', signer: () => signers.nobody },
    { what: 'an OpenPGP key that nobody knows', state: 'unknown', signer: () => pgp.nobody },
    { what: 'a key that has expired', state: 'expired', signer: () => signers.old },
  ])('$what: refused where the policy asks for one, and nowhere else', async ({ signer, state }) => {
    const { repo, work } = await seeded();
    const made = signer();
    await commitAs(work, made === undefined ? {} : { signer: made });
    expect(await rulesOf(work, repo, release)).toEqual(['signed-releases']);
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({ signatures: [state] });
    expect(await rulesOf(work, repo)).toEqual([]);
  });

  test.each([
    { what: 'OpenSSH', signer: () => signers.own },
    { what: 'OpenPGP', signer: () => pgp.own },
  ])('$what over something else: refused everywhere', async ({ signer }) => {
    const { repo, work } = await seeded();
    await commitAs(work, { signer: signer(), message: 'What was signed' });
    const signed = ok(await work.git('cat-file', 'commit', 'HEAD')).stdout;
    const changed = await forge.client.git(['hash-object', '-t', 'commit', '-w', '--stdin'], {
      cwd: work.directory,
      input: signed.replace('What was signed', 'What is pushed'),
    });
    const oid = ok(changed).stdout.trim();
    expect(await rulesOf(work, repo, `${oid}:${branch}`)).toEqual(['impersonation', 'policy/bad-signature']);
  });

  test('with the key of somebody else: a mismatch', async () => {
    const { repo, work } = await seeded();
    await commitAs(work, { signer: signers.ada });
    expect(await rulesOf(work, repo)).toEqual(['impersonation', 'policy/author-mismatch', 'strangers']);
  });

  test("of a forge: what it made passes in anybody's name", async () => {
    const { repo, work } = await seeded();
    await commitAs(work, { author: ada, committer: 'Forge <noreply@forge.example>', signer: signers.forge });
    expect(await rulesOf(work, repo, release)).toEqual([]);
  });

  test('of tags', async () => {
    const { repo, work } = await seeded();
    const tag = async (name: string, signer: SshSigner | undefined): Promise<Run> =>
      forge.client.git(
        [...(signer?.git ?? []), 'tag', signer === undefined ? '-a' : '-s', name, '-m', 'Tag'],
        {
          cwd: work.directory,
          env: keys.environment,
        },
      );
    ok(await tag('plain', undefined));
    expect(await rulesOf(work, repo, 'refs/tags/plain')).toEqual(['signed-releases']);
    ok(await tag('unknown', pgp.nobody));
    expect(await rulesOf(work, repo, 'refs/tags/unknown')).toEqual(['signed-releases']);
    ok(await tag('ssh', signers.own));
    expect(await rulesOf(work, repo, 'refs/tags/ssh')).toEqual([]);
    ok(await tag('pgp', pgp.own));
    expect(await rulesOf(work, repo, 'refs/tags/pgp')).toEqual([]);
    ok(await tag('ada', signers.ada));
    expect(await rulesOf(work, repo, 'refs/tags/ada')).toContain('policy/author-mismatch');
    const signed = ok(await work.git('cat-file', 'tag', 'pgp')).stdout.replace('tag pgp', 'tag bad');
    const bad = ok(await forge.client.git(['mktag'], { cwd: work.directory, input: signed })).stdout.trim();
    expect(await rulesOf(work, repo, `${bad}:refs/tags/bad`)).toContain('policy/bad-signature');
  });

  test('are asked of commits that the upstream has already, too', async () => {
    const { repo, work } = await seeded();
    await commitAs(work, { signer: signers.own });
    ok(await work.push(release));
    await commitAs(work, {});
    ok(await work.push(`HEAD:${branch}`));
    expect(await rulesOf(work, repo, release)).toEqual(['signed-releases']);
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({ signatures: ['none'] });
    ok(await work.git('commit', '--quiet', '--amend', '--allow-empty', '-m', 'Unsigned'));
    ok(await work.git('reset', '--quiet', '--hard', 'HEAD~1'));
    await commitAs(work, { signer: signers.own });
    ok(await work.push('HEAD:refs/heads/agent/signed'));
    expect(await rulesOf(work, repo, release)).toEqual([]);
  });

  test('leave no agent of gpg running', async () => {
    const listed = await run('ps', ['-eo', 'args'], { cwd: '/', env: { PATH: process.env['PATH'] ?? '' } });
    expect(listed.stdout).not.toContain(`${forge.guard.dataDir}/signers`);
  });
});

test('the log verifies', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
