// What an agent did for a person, by session: listed, shown and replayed from what was recorded, to those who may see it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type PushStep, replayStepSchema } from '../../core/activity/replay.ts';
import { attemptView, sessionView, type SessionView } from '../../server/api/session-view.ts';
import { type ActivityScene, playActivityScene, sceneAgent, scenePerson } from '../support/activity-scene.ts';
import { forgeguard } from '../cli/program.ts';
import { type Caller, createCaller } from '../support/api-caller.ts';
import type { Run } from '../support/run.ts';

let scene: ActivityScene;
beforeAll(async () => {
  scene = await playActivityScene();
}, 120_000);
afterAll(async () => scene?.[Symbol.asyncDispose]());

const listAnswer = z.object({ sessions: z.array(sessionView), next: z.number().nullable() });
const replayAnswer = z.object({ steps: z.array(replayStepSchema), next: z.number().nullable() });

async function list(caller: Caller, query = ''): Promise<readonly SessionView[]> {
  return listAnswer.parse((await caller.get(`/sessions?${query}`)).body).sessions;
}

async function session(): Promise<SessionView> {
  const [found] = await list(scene.auditor, 'agent=release-bot');
  if (found === undefined) throw new Error('no session');
  return found;
}

async function pushes(): Promise<readonly PushStep[]> {
  const { id } = await session();
  const { steps } = replayAnswer.parse((await scene.auditor.get(`/sessions/${id}/replay`)).body);
  return steps.filter((step) => step.kind === 'push');
}

/** The pushes once what they change is kept, which is after their answers. */
async function keptPushes(): Promise<readonly PushStep[]> {
  await expect
    .poll(async () => (await pushes()).map(({ changes }) => changes.kind))
    .toEqual(['kept', 'kept', 'kept']);
  return pushes();
}

const person = (name: string, repository: string): Promise<Caller> =>
  createCaller(scene.forge.database, scene.forge.guard.url, {
    name,
    scopes: [{ repository, verbs: ['audit'] }],
  });

describe('the list', () => {
  test('has one session of the agent, with what it did', async () => {
    expect(await session()).toMatchObject({
      agent: sceneAgent,
      onBehalfOf: [scenePerson],
      owner: scenePerson,
      state: 'active',
      waiting: 0,
      repositories: [{ repository: scene.repo.id }],
      counts: { pushes: 3, forwarded: 2, refused: 1, held: 1, unknown: 0 },
    });
    expect((await session()).counts.findings).toBeGreaterThan(0);
  });

  test.each<[string, (one: SessionView) => string, number]>([
    ['the person', () => 'person=dana@example.org', 1],
    ['another person', () => 'person=nobody', 0],
    [
      'the repository',
      ({ repositories }) => `agent=release-bot&repository=${repositories[0]?.repository}`,
      1,
    ],
    ['another repository', () => 'repository=forge/other', 0],
    ['a time before it', ({ startedAt }) => `agent=release-bot&to=${startedAt}`, 0],
    ['a time within it', ({ activeAt }) => `agent=release-bot&from=${activeAt}`, 1],
    ['a time behind it', () => 'agent=release-bot&from=2999-01-01', 0],
    ['its state', () => 'agent=release-bot&state=active', 1],
    ['another state', () => 'agent=release-bot&state=ended', 0],
    ['no approval that waits', () => 'agent=release-bot&state=waiting', 0],
  ])('by %s', async (_what, query, count) => {
    expect(await list(scene.auditor, query(await session()))).toHaveLength(count);
  });

  test('goes on page by page', async () => {
    const all = await list(scene.auditor);
    expect(all.length).toBeGreaterThan(1);
    const seen: string[] = [];
    for (let next: number | null = Number.MAX_SAFE_INTEGER; next !== null;) {
      const answer = await scene.auditor.get(`/sessions?limit=1&cursor=${next}`);
      const page: z.output<typeof listAnswer> = listAnswer.parse(answer.body);
      seen.push(...page.sessions.map(({ id }) => id));
      next = page.next;
    }
    expect(seen).toEqual(all.map(({ id }) => id));
  });

  test('refuses what is no time', async () => {
    expect(await scene.auditor.get('/sessions?from=yesterday')).toMatchObject({ status: 400 });
  });
});

describe('who may see it', () => {
  test('is the person for whom it was done', async () => {
    const dana = await createCaller(scene.forge.database, scene.forge.guard.url, {
      name: 'dana@example.org',
      scopes: [{ repository: '**', verbs: ['fetch'] }],
    });
    expect((await list(dana)).map(({ agent }) => agent)).toEqual([sceneAgent]);
  });

  test('is whoever may audit the repository, as far as that', async () => {
    const own = await person('team@example.org', scene.repo.id);
    expect((await list(own, 'agent=release-bot')).map(({ agent }) => agent)).toEqual([sceneAgent]);
    const { id } = await session();
    expect(await own.get(`/sessions/${id}`)).toMatchObject({ status: 200 });
  });

  test('is nobody else', async () => {
    const other = await person('other@example.org', 'forge/elsewhere/**');
    expect(await list(other)).toEqual([]);
    const { id } = await session();
    for (const path of [`/sessions/${id}`, `/sessions/${id}/replay`]) {
      expect(await other.get(path)).toMatchObject({
        status: 404,
        body: { error: { code: 'session/unknown' } },
      });
    }
  });

  test('is on record', async () => {
    const { id } = await session();
    await scene.auditor.get(`/sessions/${id}/replay`);
    const run = await scene.forge.guard.command([
      'audit',
      'list',
      '--action',
      'audit.read',
      '--format',
      'jsonl',
    ]);
    const last: unknown = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({
      actor: { id: 'human:auditor@example.org' },
      details: { by: 'http', what: 'replay', session: id },
    });
  });
});

test('a session shows its attempts', async () => {
  const { id } = await session();
  const { body } = await scene.auditor.get(`/sessions/${id}`);
  const { attempts } = z.object({ attempts: z.array(attemptView) }).parse(body);
  expect(attempts.map(({ outcome, facts }) => [outcome, facts.verdict])).toEqual([
    ['forwarded', 'allow'],
    ['refused', 'deny'],
    ['forwarded', 'hold'],
  ]);
  expect(attempts[2]?.facts.approvalState).toBe('applied');
  expect(Object.keys(attempts[1]?.facts.identifiers ?? {})).toContain('ssn');
});

describe('the replay', () => {
  test('shows the lines that a push changed', async () => {
    const [first] = await keptPushes();
    if (first?.changes.kind !== 'kept') throw new Error('not kept');
    const lines = first.changes.files.flatMap(({ path, hunks }) =>
      hunks.flatMap((hunk) => hunk.lines.map(({ kind, text }) => `${path} ${kind} ${text}`)),
    );
    expect(lines).toEqual([
      'README.md context one',
      'README.md remove two',
      'README.md add three',
      'src/b.ts add export const b = 2;',
    ]);
  });

  test('shows what was refused, and where, without a value', async () => {
    const [, refused] = await keptPushes();
    expect(refused).toMatchObject({
      outcome: 'refused',
      why: 'deny',
      decisions: [{ verdict: 'deny', approval: null }],
    });
    expect(refused?.findings.map(({ path }) => path)).toContain(scene.sample.path);
    const text = JSON.stringify(refused);
    for (const value of scene.sample.values) expect(text).not.toContain(value.text);
    expect(text).toContain('resourceType');
  });

  test('shows who approved, why and when, and that it went on under the approval', async () => {
    const [, , held] = await keptPushes();
    expect(held?.decisions.map(({ verdict, approval }) => [verdict, approval])).toEqual([
      ['hold', null],
      ['hold', scene.approval],
    ]);
    expect(held?.approval.map(({ action, by, reason }) => [action, by, reason])).toEqual([
      ['approval.requested', sceneAgent, 'release'],
      ['approval.voted', 'human:ada@example.org', 'looks right'],
      ['approval.approved', 'human:ada@example.org', null],
      ['approval.applying', null, null],
      ['approval.applied', null, null],
    ]);
    expect(held?.outcome).toBe('forwarded');
  });

  test('rests on documents whose digest is in the log', async () => {
    const rows = await scene.forge.database.query<{ digest: string; body: Uint8Array }>(
      'select * from evidence',
    );
    expect(rows.length).toBeGreaterThanOrEqual(3);
    const kept = (await keptPushes()).map(({ changes }) => ('digest' in changes ? changes.digest : ''));
    expect(kept.length).toBeGreaterThanOrEqual(3);
    // Sealed: the database alone does not tell them.
    for (const { body } of rows.filter(({ digest }) => kept.includes(digest))) {
      expect(body.length).toBeLessThanOrEqual(256 * 1024 + 28);
      expect(Buffer.from(body).includes('push-changes')).toBe(false);
    }
  });

  test('says where a document was changed, and does not show it', async () => {
    const [first] = await keptPushes();
    const digest = first?.changes.kind === 'kept' ? first.changes.digest : '';
    const { database } = scene.forge;
    const [row] = await database.query<{ key: string; body: Uint8Array }>(
      'select key, body from evidence where digest = $1',
      [digest],
    );
    const forged = Buffer.from(row?.body ?? []);
    forged.writeUInt8(forged.readUInt8(100) ^ 1, 100);
    await database.query('update evidence set body = $2 where digest = $1', [digest, forged]);
    expect((await pushes())[0]?.changes).toEqual({ kind: 'changed', digest });
    await database.query('delete from evidence where digest = $1', [digest]);
    expect((await pushes())[0]?.changes).toEqual({ kind: 'gone', digest });
    await database.query('insert into evidence (digest, key, body) values ($1, $2, $3)', [
      digest,
      row?.key,
      row?.body,
    ]);
  });
});

describe('on the command line', () => {
  const run = (...args: string[]): Promise<Run> =>
    forgeguard(scene.forge.guard.dataDir, ['session', ...args], {
      FORGEGUARD_URL: scene.forge.guard.url,
      FORGEGUARD_TOKEN: scene.auditor.token,
    });

  test('sessions are listed and shown', async () => {
    const { id } = await session();
    const listed = await run('list', '--agent', 'release-bot');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^ID +STATE +STARTED/);
    expect(listed.stdout).toMatch(
      new RegExp(`${id} +active .*${sceneAgent} +${scenePerson} +${scene.repo.id}`),
    );
    const shown = await run('show', id);
    expect(shown.stdout).toContain('3 pushes: 2 forwarded, 1 refused, 1 held');
    expect(shown.stdout).toMatch(/push {2}refused .*refs\/heads\/agent\/one {2}phi/);
  });

  test('a replay tells the story, values masked', async () => {
    await keptPushes();
    const { id } = await session();
    const replayed = await run('replay', id, '--speed', '10000');
    expect(replayed).toMatchObject({ code: 0, stderr: '' });
    for (const line of [
      '    -two',
      '    +three',
      `  found     phi/`,
      'voted: approve by human:ada@example.org (looks right)',
      `  decided   hold`,
      `under approval ${scene.approval}`,
      '  outcome   refused: deny',
    ])
      expect(replayed.stdout).toContain(line);
    for (const { text } of scene.sample.values)
      if (text.length > 5) expect(replayed.stdout).not.toContain(text);
    const json: unknown = JSON.parse((await run('replay', id, '--format', 'json')).stdout);
    expect(replayAnswer.omit({ next: true }).parse(json).steps).toHaveLength((await pushes()).length);
  });

  test('what is not there is said to be so', async () => {
    expect(await run('show', `s-${'0'.repeat(24)}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('session/unknown') as unknown,
    });
  });
});

describe('made again from the log', () => {
  test('it is the same', async () => {
    const before = await list(scene.auditor);
    const { database } = scene.forge;
    const attemptsBefore = await database.query('select * from activity_attempt order by first_index');
    const countsBefore = await database.query(
      'select * from activity_actor_repository order by actor, repository',
    );
    const run = await scene.forge.guard.command(['session', 'rebuild']);
    expect(run).toMatchObject({ code: 0 });
    expect((await list(scene.auditor)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    const attempts = await database.query('select * from activity_attempt order by first_index');
    expect(attempts.slice(0, attemptsBefore.length)).toEqual(attemptsBefore);
    expect(
      await database.query('select * from activity_actor_repository order by actor, repository'),
    ).toEqual(countsBefore);
  });
});
