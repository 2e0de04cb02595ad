// Pushes around the guard in sessions, replays and reports of whoever made them, and in the list of those that nobody is
// known for.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { replayStepSchema } from '../../core/activity/replay.ts';
import { type Report, reportSchema } from '../../core/report/schema.ts';
import { sessionView } from '../../server/api/session-view.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { forgeguard } from '../cli/program.ts';
import { type Caller, createCaller } from '../support/api-caller.ts';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Repository } from '../support/github/world.ts';
import { bothVerifiersFind, verifierKey } from '../support/pack-verifiers.ts';
import { phiSample } from '../support/phi.ts';
import { secretSample } from '../support/secrets.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const agent = 'agent:release-bot';
const sample = phiSample('fhir', 51);
const resources = new AsyncDisposableStack();
let scene: GuardedGithub;
let repository: Repository;
let auditor: Caller;

beforeAll(async () => {
  scene = resources.use(
    await startGuardedGithub({
      app: {
        agents: [{ logins: ['acme-agent'], onBehalfOf: ['human:ada@example.org'], id: agent }],
        bypass: { compareEvery: '1s' },
      },
    }),
  );
  repository = await scene.createRepository('around');
  auditor = await createCaller(scene.database.database, scene.guard.url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
  await scene.github.deliveries.arrived();
  scene.github.deliveries.emitTo(scene.installation, 'installation_repositories', undefined, {
    action: 'added',
  });
  await until('the refs were taken down', async () => {
    const sql = 'select from github_repository where watched_since is not null';
    return (await scene.database.database.query(sql)).length === 1;
  });
  await around('agent/one', { [sample.path]: sample.text }, 'acme-agent');
  await around('agent/two', { 'two.txt': '2\n' }, 'acme-agent', 'somebody-else');
  await around('renovate/x', { 'x.sh': secretSample('npm-token', 52).text }, 'renovate[bot]');
  // Nobody tells whose it was: neither a webhook nor the list of activities.
  const [silent = ''] = await makeCommits(scene.github.world, repository, [
    { branch: 'silent', files: { 'silent.sh': secretSample('npm-token', 53).text }, by: 'eve' },
  ]);
  await scanned(silent);
}, 120_000);
afterAll(() => resources.disposeAsync());

async function scanned(after: string): Promise<void> {
  await until('it was scanned', async () =>
    (await scene.audit('bypass.scanned')).some(({ details }) => details['after'] === after),
  );
}

async function around(
  branch: string,
  files: Readonly<Record<string, string>>,
  by: string,
  pusher = by,
): Promise<void> {
  const [after = ''] = await makeCommits(scene.github.world, repository, [{ branch, files }]);
  await scene.github.actions.push(repository, `refs/heads/${branch}`, null, by, { pusher });
  await scanned(after);
}

async function reportOf(id: string): Promise<Report> {
  const { status, body } = await auditor.get(`/agents/${encodeURIComponent(id)}/report`);
  expect(status).toBe(200);
  return reportSchema.parse(body);
}

const listed = z.object({
  bypasses: z.array(z.looseObject({ ref: z.string().nullable(), actor: z.string().nullable() })),
});

test('a report of the agent lists what it pushed around the guard, apart from its attempts', async () => {
  const found = await reportOf(agent);
  expect(found.summary).toMatchObject({ attempts: 0, findings: 0, bypasses: 2 });
  expect(found.summary.bypassFindings).toBeGreaterThan(0);
  const [one, two] = found.bypasses;
  expect(found.bypasses).toHaveLength(2);
  expect(one).toMatchObject({
    repository: 'hub/acme/around',
    ref: 'refs/heads/agent/one',
    change: 'create',
    how: 'push',
    found: 'webhook',
    account: 'acme-agent',
    attribution: { by: 'agents', certainty: 'certain', doubts: [] },
    verdict: 'deny',
    problem: null,
  });
  expect(one?.identifiers).toHaveProperty('ssn');
  expect(two).toMatchObject({ attribution: { certainty: 'likely', doubts: ['pusher'] }, findings: 0 });
  const anomaly = found.anomalies.find(({ kind }) => kind === 'bypass');
  expect(anomaly?.numbers).toMatchObject({ pushes: 2, uncertain: 1, unscanned: 0 });
  expect(anomaly?.what).toContain('2 pushes around the guard to hub/acme/around');
  const access = found.safeguards.find(({ title }) => title === 'Access control');
  expect(access?.evidence[0]).toContain('2 pushes went around the guard');
  for (const { text } of sample.values) expect(JSON.stringify(found)).not.toContain(text);
});

test('so does that of an App, which nobody has to configure', async () => {
  const found = await reportOf('agent:hub/renovate');
  expect(found.bypasses).toMatchObject([{ attribution: { by: 'bot', certainty: 'certain' }, findings: 1 }]);
});

test('as CSV, HTML and PDF as well', async () => {
  const path = '/agents/release-bot/report?format=';
  const { text } = await auditor.get(`${path}csv`);
  const [head = '', first = '', second = ''] = text.split('\r\n');
  expect(head).toMatch(/,last_entry,around_how,around_account,around_attributed_by,/);
  expect(first).toMatch(
    /,bypass,hub\/acme\/around,refs\/heads\/agent\/one,deny,.*,push,acme-agent,agents,certain,$/,
  );
  expect(second).toMatch(/,push,acme-agent,agents,likely,pusher$/);
  const html = (await auditor.get(`${path}html`)).text;
  expect(html).toContain('2 pushes reached a guarded repository without the guard');
  expect(html).toContain('the forge calls whoever pushed otherwise');
  const pdf = await auditor.fetch(`${path}pdf`);
  expect(Buffer.from(await pdf.arrayBuffer()).toString('latin1', 0, 5)).toBe('%PDF-');
});

test('the session has them in order, and a replay tells what was found in each', async () => {
  const { body } = await auditor.get('/sessions?agent=release-bot');
  const { sessions } = z.looseObject({ sessions: z.array(sessionView) }).parse(body);
  expect(sessions).toMatchObject([{ onBehalfOf: ['human:ada@example.org'], counts: { bypasses: 2 } }]);
  const id = sessions[0]?.id ?? '';
  const replay = await auditor.get(`/sessions/${id}/replay`);
  const { steps } = z.looseObject({ steps: z.array(replayStepSchema) }).parse(replay.body);
  const [one, two] = steps.flatMap((step) => (step.kind === 'bypass' ? [step] : []));
  expect([one?.ref, two?.ref]).toEqual(['refs/heads/agent/one', 'refs/heads/agent/two']);
  expect(one).toMatchObject({ scan: 'done', decisions: [{ verdict: 'deny' }], change: 'create' });
  expect(one?.findings.length).toBeGreaterThan(0);
  expect(one?.findings.map(({ path }) => path)).toContain(sample.path);
  expect(one?.findingCount).toBe((await reportOf(agent)).summary.bypassFindings);
  await using directory = await temporaryDirectory('replay');
  const shown = await forgeguard(directory.path, ['session', 'replay', id], {
    FORGEGUARD_URL: scene.guard.url,
    FORGEGUARD_TOKEN: auditor.token,
  });
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toContain('push AROUND THE GUARD to hub/acme/around');
  expect(shown.stdout).toContain('likely: the configuration says which agent the account is');
});

test('what nobody is known for is in no report, and in the list for whoever audits the repository', async () => {
  const { body } = await auditor.get('/bypasses?certainty=unknown');
  expect(listed.parse(body).bypasses).toMatchObject([
    {
      ref: 'refs/heads/silent',
      actor: null,
      attribution: { by: 'nobody', certainty: 'unknown' },
      findings: 1,
    },
  ]);
  const all = listed.parse((await auditor.get('/bypasses?repository=hub/acme/around')).body).bypasses;
  expect(all).toHaveLength(4);
  const paged = await auditor.get('/bypasses?limit=1&agent=release-bot');
  expect(listed.parse(paged.body).bypasses).toMatchObject([{ ref: 'refs/heads/agent/two', actor: agent }]);
  const { agents } = z
    .object({
      agents: z.array(z.looseObject({ id: z.string(), counts: z.looseObject({ bypasses: z.int() }) })),
    })
    .parse((await auditor.get('/agents')).body);
  expect(agents.map(({ id, counts }) => [id, counts.bypasses])).toEqual([
    ['agent:hub/renovate', 1],
    [agent, 2],
  ]);
  const other = await createCaller(scene.database.database, scene.guard.url, {
    name: 'other',
    scopes: [{ repository: 'hub/acme/elsewhere', verbs: ['audit'] }],
  });
  expect(listed.parse((await other.get('/bypasses')).body).bypasses).toEqual([]);
});

test('in an evidence pack both verifiers hold the report to what was recorded', async () => {
  await using directory = await temporaryDirectory('bypass-pack');
  const archive = join(directory.path, 'pack.tar.gz');
  const { guard } = scene;
  expect(await guard.command(['audit', 'export', '--out', archive])).toMatchObject({ code: 0, stderr: '' });
  const scratch = join(directory.path, 'unpacked');
  await mkdir(scratch);
  const pack = await openPack(archive, scratch);
  const text = await readFile(join(pack, 'reports/agent-release-bot.json'), 'utf8');
  expect(reportSchema.parse(JSON.parse(text)).summary.bypasses).toBe(2);
  const key = verifierKey((await readFile(join(guard.dataDir, 'audit-verifier-key'), 'utf8')).trim());
  expect(await bothVerifiersFind(pack, { key, kept: [], witnesses: [] })).toEqual([]);
});

test('a repository that was renamed is told by both names, and watched on by the new one', async () => {
  const { actions, deliveries } = scene.github;
  actions.renameRepository(repository, 'renamed', 'coder');
  await until('it is on record', async () => (await scene.audit('repository.moved')).length > 0);
  await deliveries.arrived();
  const [entry, ...more] = await scene.audit('repository.moved');
  expect(more).toEqual([]);
  const [from, to] = ['hub/acme/around', 'hub/acme/renamed'];
  expect(entry).toMatchObject({
    repository: to,
    details: { change: 'renamed', from, to, id: repository.id },
  });
  const posture = z.object({
    repositories: z.array(
      z.object({
        repository: z.string(),
        points: z.array(z.looseObject({ topic: z.string(), state: z.string(), found: z.string() })),
      }),
    ),
  });
  const nameOf = async () => {
    const { repositories } = posture.parse((await auditor.get('/posture')).body);
    const told = repositories.find((one) => one.repository === to);
    return told?.points.find(({ topic }) => topic === 'name');
  };
  await until('the posture was read', async () => (await nameOf()) !== undefined);
  const point = await nameOf();
  expect(point).toMatchObject({ state: 'to-do' });
  expect(point?.found).toContain(`It was ${from} until`);
  const ask = async (scopeOf: string): Promise<string> => {
    const { token } = await createCaller(scene.database.database, scene.guard.url, {
      name: `reader-of-${scopeOf}-${Math.random()}`,
      scopes: [{ repository: `hub/acme/${scopeOf}`, verbs: ['fetch'] }],
    });
    const path = '/git/hub/acme/around.git/info/refs?service=git-upload-pack';
    const headers = { authorization: `Bearer ${token}`, 'git-protocol': 'version=2' };
    return (await fetch(scene.guard.url + path, { headers })).text();
  };
  const hint = `The repository is called ${to} now`;
  // With a token for the old name, which a guard remembers, and without one.
  for (const code of ['upstream/not-found', 'upstream/not-installed']) {
    if (code === 'upstream/not-installed') await scene.restart();
    const refused = await ask('around');
    expect(refused).toContain(`[${code}]`);
    expect(refused).toContain(hint);
    // Whoever may not read it is not told.
    const forbidden = await ask('elsewhere');
    expect(forbidden).toContain('[identity/forbidden]');
    expect(forbidden).not.toContain('renamed');
  }
  await around('agent/three', { 'three.txt': '3\n' }, 'acme-agent');
  const scannedThere = (await scene.audit('bypass.detected')).at(-1);
  expect(scannedThere).toMatchObject({ repository: to, details: { update: 'create' } });
});
