// A guard through which an agent has worked for a person: a push that passed, one that was refused for a patient's data,
// and one that was held and approved; and an auditor who may see all of it.
import { ok, withCredentials, type WorkTree } from './client.ts';
import { type Caller, createCaller } from './api-caller.ts';
import { phiSample, type PhiSample } from './phi.ts';
import { cloneSeeded, type PushForge, type PushRepository, startPushForge } from './push-forge.ts';
import { readRefusal } from './refusal.ts';
import { createReviewer } from './reviewers.ts';

export const sceneAgent = 'agent:release-bot';
export const scenePerson = 'human:dana@example.org';

export interface ActivityScene extends AsyncDisposable {
  readonly forge: PushForge;
  readonly repo: PushRepository;
  readonly work: WorkTree;
  /** What was refused. */
  readonly sample: PhiSample;
  /** Reads everything. */
  readonly auditor: Caller;
  /** Id of the approval. */
  readonly approval: string;
}

/** Plays it. */
export async function playActivityScene(): Promise<ActivityScene> {
  await using opened = new AsyncDisposableStack();
  const forge = opened.use(await startPushForge());
  const { database, guard } = forge;
  const auditor = await createCaller(database, guard.url, {
    name: 'auditor@example.org',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
  const agent = await createCaller(database, guard.url, {
    kind: 'agent',
    name: 'release-bot',
    scopes: [{ repository: 'forge/**', verbs: ['fetch', 'push'] }],
    onBehalfOf: [scenePerson],
    owner: scenePerson,
  });
  const reviewer = await createReviewer(database, guard.url, 'ada@example.org');
  const { repo, work } = await cloneSeeded(forge, {
    'README.md': 'one\ntwo\n',
    'src/a.ts': 'export const a = 1;\n',
  });
  ok(await work.git('remote', 'set-url', 'origin', withCredentials(repo.bareUrl, 'agent', agent.token)));
  ok(await work.git('switch', '--quiet', '--create', 'agent/one'));
  await work.commit('Change', { 'README.md': 'one\nthree\n', 'src/b.ts': 'export const b = 2;\n' });
  ok(await work.push('HEAD:refs/heads/agent/one'));
  const sample = phiSample('fhir');
  await work.commit('Fixture', { [sample.path]: sample.text });
  const refused = await work.push('HEAD:refs/heads/agent/one');
  if (refused.code !== 1) throw new Error(`not refused: ${refused.stderr}`);
  ok(await work.git('switch', '--quiet', '--create', 'work', 'origin/main'));
  await work.commit('Release', { 'src/a.ts': 'export const a = 2;\n' });
  const held = await work.push('HEAD:refs/heads/main', {
    options: ['forgeguard.format=json', 'forgeguard.reason=release'],
  });
  const approval = readRefusal(held.stderr).approval?.id ?? '';
  await reviewer.decide(approval, 'approve', { reason: 'looks right' });
  await reviewer.until(approval, 'applied');
  const kept = opened.move();
  return {
    forge,
    repo,
    work,
    sample,
    auditor,
    approval,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
