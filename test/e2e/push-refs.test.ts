// Pushes that force, delete, move and race, and what comes of a push in which only one ref is refused. What an agent
// may not do by the default policy, a human may; direct pushes show that the upstream itself would take it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok } from '../support/client.ts';
import { landed, refused } from '../support/made-push.ts';
import { cloneSeeded, type PushForge, type Seeded, startPushForge } from '../support/push-forge.ts';
import { requestIn } from '../support/guarded-forge.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

const seed = { 'README.md': 'hello\n', 'src/main.ts': 'export const one = 1;\n' };

const seeded = (): Promise<Seeded> => cloneSeeded(forge, seed);

/** A branch of two commits at the upstream, and an amended second one here. */
async function amended(): Promise<Seeded & { readonly old: string; readonly now: string }> {
  const { repo, work } = await seeded();
  await work.commit('One', { 'src/one.txt': 'x\n' });
  const old = await work.commit('Two', { 'src/two.txt': 'x\n' });
  ok(await work.push('HEAD:refs/heads/agent/topic'));
  ok(await work.git('commit', '--quiet', '--amend', '-m', 'Two, better'));
  return { repo, work, old, now: await work.oid('HEAD') };
}

describe('force pushes', () => {
  test('are denied for agents, let through for humans', async () => {
    const { repo, work, old, now } = await amended();
    const denied = await work.push('+HEAD:refs/heads/agent/topic');
    expect(denied.code).toBe(1);
    expect(denied.stderr).toContain('agent-force-push');
    expect((await repo.upstream.refs())['refs/heads/agent/topic']).toBe(old);
    const attempt = await repo.lastAttempt();
    expect(attempt.actions).toEqual(refused);
    expect(attempt.request).toBe(requestIn(denied.stderr));
    expect(attempt.details('push.decided')).toMatchObject({
      verdict: 'deny',
      reasons: [{ rule: 'agent-force-push' }],
      refUpdates: [{ kind: 'force', old, new: now }],
    });
    ok(await work.push('+HEAD:refs/heads/agent/topic', { to: repo.humanUrl }));
    expect((await repo.upstream.refs())['refs/heads/agent/topic']).toBe(now);
    expect((await repo.lastAttempt()).actions).toEqual(landed);
  });

  test('back to an ancestor, with nothing in the pack', async () => {
    const { repo, work, old } = await amended();
    const denied = await work.push('+HEAD~1:refs/heads/agent/topic');
    expect(denied.stderr).toContain('agent-force-push');
    expect((await repo.upstream.refs())['refs/heads/agent/topic']).toBe(old);
    ok(await work.push('+HEAD~1:refs/heads/agent/topic', { to: repo.humanUrl }));
    expect((await repo.upstream.refs())['refs/heads/agent/topic']).toBe(await work.oid('HEAD~1'));
  });

  test('to a history without a common commit', async () => {
    const { repo, work, old } = await amended();
    ok(await work.git('switch', '--quiet', '--orphan', 'elsewhere'));
    const now = await work.commit('Elsewhere', { 'src/else.txt': 'x\n' });
    expect((await work.push('+HEAD:refs/heads/agent/topic')).stderr).toContain('agent-force-push');
    expect((await repo.upstream.refs())['refs/heads/agent/topic']).toBe(old);
    ok(await work.push('+HEAD:refs/heads/agent/topic', { to: repo.humanUrl }));
    expect((await repo.upstream.refs())['refs/heads/agent/topic']).toBe(now);
  });

  test('with a lease that no longer holds are refused by git itself, and by the upstream where it is too late', async () => {
    const { repo, work, old } = await amended();
    const stale = await work.push('HEAD:refs/heads/agent/topic', {
      args: [`--force-with-lease=agent/topic:${await work.oid('HEAD~1')}`],
      to: repo.humanUrl,
    });
    expect(stale.stderr).toContain('stale info');
    expect((await repo.upstream.refs())['refs/heads/agent/topic']).toBe(old);
  });
});

describe('deletes', () => {
  test('of a branch and of a tag are denied for agents, let through for humans', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('tag', 'v1'));
    ok(await work.push(['HEAD:refs/heads/agent/topic', 'refs/tags/v1']));
    for (const ref of ['refs/heads/agent/topic', 'refs/tags/v1']) {
      const denied = await work.push(`:${ref}`);
      expect(denied.code).toBe(1);
      expect(denied.stderr).toContain('agent-delete');
      expect(await repo.upstream.refs()).toHaveProperty([ref]);
      expect((await repo.lastAttempt()).actions).toEqual(refused);
      ok(await work.push(`:${ref}`, { to: repo.humanUrl }));
      expect(await repo.upstream.refs()).not.toHaveProperty([ref]);
      expect((await repo.lastAttempt()).actions).toEqual(landed);
    }
  });

  test('of a branch together with a new one', async () => {
    const { repo, work } = await seeded();
    ok(await work.push('HEAD:refs/heads/agent/old'));
    const oid = await work.commit('New', { 'src/new.txt': 'x\n' });
    const specs = [':refs/heads/agent/old', 'HEAD:refs/heads/agent/new'];
    expect((await work.push(specs)).code).toBe(1);
    expect(await repo.upstream.refs()).not.toHaveProperty(['refs/heads/agent/new']);
    ok(await work.push(specs, { to: repo.humanUrl }));
    const refs = await repo.upstream.refs();
    expect(refs['refs/heads/agent/new']).toBe(oid);
    expect(refs).not.toHaveProperty(['refs/heads/agent/old']);
  });

  test('of what is not there: the upstream says ok, with a warning', async () => {
    const { repo, work } = await seeded();
    const direct = ok(await work.push(':refs/heads/agent/nothing', { to: repo.directUrl }));
    expect(direct.stderr).toContain('non-existent ref');
    const through = ok(await work.push(':refs/heads/agent/nothing', { to: repo.humanUrl }));
    expect(through.stderr).toContain('non-existent ref');
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({
      refUpdates: [{ ref: 'refs/heads/agent/nothing', kind: 'delete' }],
    });
    expect((await work.push(':refs/heads/agent/nothing')).stderr).toContain('agent-delete');
  });
});

describe('tags', () => {
  test('moving one is a force push', async () => {
    const { repo, work } = await seeded();
    ok(await work.git('tag', 'v1'));
    const old = await work.oid('v1');
    ok(await work.push('refs/tags/v1'));
    await work.commit('Later', { 'src/later.txt': 'x\n' });
    ok(await work.git('tag', '--force', 'v1'));
    const denied = await work.push('+refs/tags/v1');
    expect(denied.stderr).toContain('agent-force-push');
    expect((await repo.upstream.refs())['refs/tags/v1']).toBe(old);
    ok(await work.push('+refs/tags/v1', { to: repo.humanUrl }));
    expect((await repo.upstream.refs())['refs/tags/v1']).toBe(await work.oid('v1'));
  });
});

describe('a push is one unit', () => {
  test.each([{ args: ['--atomic'] }, { args: [] }])(
    '$args: one refused ref refuses all',
    async ({ args }) => {
      const { repo, work, old } = await amended();
      const before = await repo.upstream.refs();
      ok(await work.git('switch', '--quiet', '-c', 'other', 'origin/main'));
      const other = await work.commit('Other', { 'src/other.txt': 'x\n' });
      const specs = ['+main:refs/heads/agent/topic', 'other:refs/heads/agent/other'];
      const pushed = await work.push(specs, { args: [...args, '--porcelain'] });
      expect(pushed.code).toBe(1);
      const lines = pushed.stdout.split('\n').filter((line) => line.startsWith('!'));
      expect(lines).toHaveLength(2);
      expect(lines.find((line) => line.includes('agent/topic'))).toMatch(
        /refused: agent-force-push \(request/,
      );
      expect(lines.find((line) => line.includes('agent/other'))).toMatch(/refused with the other refs/);
      expect(await repo.upstream.refs()).toEqual(before);
      expect(before['refs/heads/agent/topic']).toBe(old);
      expect(await repo.upstream.hasObject(other)).toBe(false);
    },
  );

  test.each([
    { args: ['--atomic'], taken: false },
    { args: [], taken: true },
  ])('$args: one ref that the upstream refuses', async ({ args, taken }) => {
    const { repo, work } = await seeded();
    await repo.upstream.hook('update', 'case "$1" in */bad) echo not this one; exit 1;; esac');
    const oid = await work.commit('One', { 'src/one.txt': 'x\n' });
    const specs = ['HEAD:refs/heads/agent/good', 'HEAD:refs/heads/agent/bad'];
    const pushed = await work.push(specs, { args });
    expect(pushed.code).toBe(1);
    expect(pushed.stderr).toContain('remote: not this one');
    expect(pushed.stderr).toContain('hook declined');
    const refs = await repo.upstream.refs();
    expect(refs['refs/heads/agent/good']).toBe(taken ? oid : undefined);
    expect(refs).not.toHaveProperty(['refs/heads/agent/bad']);
    const outcome = (await repo.lastAttempt()).entries.at(-1);
    expect(outcome).toMatchObject(
      taken
        ? { action: 'push.forwarded', details: { landed: 1, refused: 1 } }
        : { action: 'push.refused', details: { by: 'upstream', code: 'ng' } },
    );
  });

  test('--atomic where all is well', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('One', { 'src/one.txt': 'x\n' });
    ok(await work.push(['HEAD:refs/heads/agent/a', 'HEAD:refs/heads/agent/b'], { args: ['--atomic'] }));
    expect(await repo.upstream.refs()).toMatchObject({
      'refs/heads/agent/a': oid,
      'refs/heads/agent/b': oid,
    });
  });
});

test('the default branch is held for an agent, free for a human', async () => {
  const { repo, work } = await seeded();
  const before = await work.oid('HEAD');
  const oid = await work.commit('To main', { 'src/main.ts': 'export const one = 11;\n' });
  const held = await work.push('HEAD:refs/heads/main');
  expect(held.code).toBe(1);
  expect(held.stderr).toContain('agent-protected-branch');
  expect(held.stderr).toMatch(/approv/);
  expect((await repo.upstream.refs())['refs/heads/main']).toBe(before);
  ok(await work.push('HEAD:refs/heads/main', { to: repo.humanUrl }));
  expect((await repo.upstream.refs())['refs/heads/main']).toBe(oid);
});

describe('two pushes to one ref at the same moment', () => {
  test.each(['new', 'existing'])(
    'to a %s branch: one lands, the other hears it from the upstream',
    async (kind) => {
      const { repo, work } = await seeded();
      if (kind === 'existing') ok(await work.push('HEAD:refs/heads/agent/race'));
      const other = await repo.clone();
      const mine = await work.commit('Mine', { 'src/mine.txt': 'x\n' });
      const theirs = await other.commit('Theirs', { 'src/theirs.txt': 'x\n' });
      // Both are decided before either is forwarded: the first waits inside the upstream.
      const hold = await repo.upstream.holdIn('pre-receive');
      const first = work.push('HEAD:refs/heads/agent/race');
      await hold.reached;
      const second = other.push('HEAD:refs/heads/agent/race');
      await expect
        .poll(async () => (await repo.attempts()).filter(isDecided).length)
        .toBe(kind === 'existing' ? 3 : 2);
      hold.release();
      const results = await Promise.all([first, second]);
      expect(new Set(results.map((result) => result.code))).toEqual(new Set([0, 1]));
      const won = results[0].code === 0 ? mine : theirs;
      expect((await repo.upstream.refs())['refs/heads/agent/race']).toBe(won);
      const lost = results.find((result) => result.code !== 0);
      expect(lost?.stderr).toMatch(
        /! \[remote rejected\].*(failed to update ref|reference already exists|cannot lock)/,
      );
      const outcomes = (await repo.attempts()).slice(-2).map((attempt) => attempt.entries.at(-1));
      expect(new Set(outcomes.map((entry) => entry?.action))).toEqual(
        new Set(['push.forwarded', 'push.refused']),
      );
      expect(outcomes.find((entry) => entry?.action === 'push.refused')?.details).toMatchObject({
        by: 'upstream',
        code: 'ng',
      });
    },
  );
});

function isDecided(attempt: { readonly actions: readonly string[] }): boolean {
  return attempt.actions.includes('push.decided');
}

describe('signed pushes', () => {
  test('--signed=if-asked goes unsigned, --signed=yes is refused by the client', async () => {
    const { repo, work } = await seeded();
    const oid = await work.commit('One', { 'src/one.txt': 'x\n' });
    // The upstream would ask for one; the guard does not pass that on, as it could not be kept.
    await repo.upstream.git('config', 'receive.certNonceSeed', 'a seed');
    const pushed = ok(await work.push('HEAD:refs/heads/agent/one', { args: ['--signed=if-asked'] }));
    expect(pushed.stderr).toContain('not sending a push certificate');
    expect((await repo.upstream.refs())['refs/heads/agent/one']).toBe(oid);
    const attempts = (await repo.attempts()).length;
    const signed = await work.push('HEAD:refs/heads/agent/two', { args: ['--signed=yes'] });
    expect(signed.code).not.toBe(0);
    expect(signed.stderr).toContain('does not support --signed push');
    expect(await repo.attempts()).toHaveLength(attempts);
  });
});

describe('push options', () => {
  test('go to an upstream that takes them, those of the guard do not', async () => {
    const { repo, work } = await seeded();
    await repo.upstream.hook(
      'pre-receive',
      'echo "$GIT_PUSH_OPTION_COUNT: $GIT_PUSH_OPTION_0, $GIT_PUSH_OPTION_1"',
    );
    const oid = await work.commit('One', { 'src/one.txt': 'x\n' });
    const pushed = ok(
      await work.push('HEAD:refs/heads/agent/one', {
        options: ['ci.skip', 'forgeguard.reason=because it was asked for', 'topic=wörk'],
      }),
    );
    expect(pushed.stderr).toContain('remote: 2: ci.skip, topic=wörk');
    expect((await repo.upstream.refs())['refs/heads/agent/one']).toBe(oid);
    expect((await repo.lastAttempt()).details('push.received')).toMatchObject({ pushOptions: 3 });
  });

  test('are refused with words where the upstream takes none, but the guard has its own', async () => {
    const repo = await forge.repo({ seed, config: { 'receive.advertisePushOptions': 'false' } });
    const work = await repo.clone();
    const oid = await work.commit('One', { 'src/one.txt': 'x\n' });
    const direct = await work.push('HEAD:refs/heads/agent/direct', {
      options: ['ci.skip'],
      to: repo.directUrl,
    });
    expect(direct.stderr).toContain('does not support push options');
    const pushed = await work.push('HEAD:refs/heads/agent/one', { options: ['ci.skip'] });
    expect(pushed.code).toBe(1);
    expect(pushed.stderr).toContain('the upstream does not support push options');
    expect(await repo.upstream.refs()).not.toHaveProperty(['refs/heads/agent/one']);
    ok(await work.push('HEAD:refs/heads/agent/one', { options: ['forgeguard.format=json'] }));
    expect((await repo.upstream.refs())['refs/heads/agent/one']).toBe(oid);
  });

  test.each(['forgeguard.fromat=json', 'forgeguard.format=xml', 'forgeguard.reason=', 'forgeguard.'])(
    '%s is not known and refused',
    async (option) => {
      const { repo, work } = await seeded();
      await work.commit('One', { 'src/one.txt': 'x\n' });
      const pushed = await work.push('HEAD:refs/heads/agent/one', { options: [option] });
      expect(pushed.code).toBe(1);
      expect(pushed.stderr).toContain('unknown push option');
      expect(pushed.stderr).toContain('forgeguard.format=json|text');
      expect(await repo.upstream.refs()).not.toHaveProperty(['refs/heads/agent/one']);
      expect((await repo.lastAttempt()).entries.at(-1)?.action).toBe('push.refused');
    },
  );
});

test('the log verifies, and every attempt has its outcome', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
  for (const attempt of await forge.attempts()) {
    expect(attempt.actions.at(-1)).toMatch(/^push\.(forwarded|refused|held)$/);
  }
});
