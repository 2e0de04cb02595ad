// The story of the offboarded contractor, as docs/identity.md tells it: its agent works through the guard; the directory
// ends the contractor's access; from then on nothing happens in its name any more, and the record says what stopped.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type WorkTree, withCredentials } from '../support/client.ts';
import { commitOfFiles } from '../support/git-object.ts';
import { creating } from '../support/made-push.ts';
import { people, type PeopleForge, startPeopleForge } from '../support/people-forge.ts';
import { parsePushReport } from '../support/push-report.ts';
import { postService, receivePackBody } from '../support/raw-push.ts';
import { readRefusal } from '../support/refusal.ts';
import { createReviewer } from '../support/reviewers.ts';
import { until } from '../support/until.ts';
import { csrfIn } from '../support/web-client.ts';

let scene: PeopleForge;
beforeAll(async () => {
  scene = await startPeopleForge();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** The token that the page shows once. */
async function tokenForAgent(subject: string): Promise<string> {
  const { client, page } = await scene.browserOf(subject);
  const shown = await client.submit(`${scene.url}/ui/tokens`, {
    csrf: csrfIn(page),
    agent: 'contract-bot',
    purpose: 'work on the migration',
    scope: 'forge/**:fetch,push',
    days: '30',
  });
  const token = /id="issued-token">(fg_\w+)</.exec(shown.text)?.[1];
  if (token === undefined) throw new Error(shown.text);
  return token;
}

async function cloneFor(token: string, name: string): Promise<WorkTree> {
  const made = await scene.forge.createRepo(name, { seed: { 'README.md': 'one\n' } });
  return scene.forge.client.clone(withCredentials(made.bareUrl, 'agent', token));
}

test('the offboarded contractor', async () => {
  // The directory knows Cem, who signs in and gives an agent a token.
  const made = await scene.scim('POST', '/Users', {
    userName: people.cem.email,
    displayName: people.cem.name,
  });
  expect(made.status).toBe(201);
  const token = await tokenForAgent('cem');

  // The agent works: it fetches, and what it pushes lands.
  const work = await cloneFor(token, 'team/migration');
  await work.commit('Begin', { 'begin.txt': 'begin\n' });
  expect((await work.push('HEAD:refs/heads/agent/begin')).code).toBe(0);

  // A push to main waits for a reviewer.
  const held = await cloneFor(token, 'team/held');
  await held.commit('For main', { 'main.txt': 'main\n' });
  const waiting = await held.push('HEAD:refs/heads/main', { options: ['forgeguard.format=json'] });
  const request = readRefusal(waiting.stderr).approval?.id ?? '';
  const reviewer = await createReviewer(scene.forge.database.database, scene.url, 'ada@example.org');
  expect(await reviewer.see(request)).toMatchObject({ state: 'waiting' });

  // Another push is in flight: the guard has begun to take it in.
  const objects = commitOfFiles({ 'flight.txt': 'flight\n' });
  const body = receivePackBody(creating(objects, 'refs/heads/agent/flight'));
  const goOn = Promise.withResolvers<void>();
  const flight = postService(`${scene.url}/git/forge/team/migration.git`, 'git-receive-pack', body, {
    authorization: `Bearer ${token}`,
    pause: { at: body.length - 30, until: goOn.promise },
  });
  const isInFlight = async (): Promise<boolean> =>
    (await scene.forge.audit()).some(
      ({ action, details }) => action === 'push.received' && JSON.stringify(details).includes('agent/flight'),
    );
  await until('the guard has begun to take it in', isInFlight);

  // The contract ends. The directory says so, once.
  const browser = await scene.browserOf('cem');
  const ended = await scene.scim('PATCH', `/Users/${String(made.body['id'])}`, {
    Operations: [{ op: 'replace', path: 'active', value: false }],
  });
  expect(ended.body).toMatchObject({ active: false });
  goOn.resolve();

  // The push in flight is refused before the forward.
  const { refs } = parsePushReport((await flight).body);
  expect(refs).toMatchObject([{ ref: 'refs/heads/agent/flight', ok: false }]);

  // Within a second nothing is accepted from the agent, and Cem is signed out for good.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const fetched = await work.git('fetch', 'origin');
  expect(fetched.code).not.toBe(0);
  expect(fetched.stderr).toMatch(/401|Authentication failed|not accepted/);
  expect((await browser.client.open(`${scene.url}/ui`)).url).toContain('/ui/sign-in');
  expect((await scene.browserOf('cem')).page.text).toContain('person/ended');

  // The held request is cancelled: nobody can approve it any more, and nothing of it lands.
  expect(await reviewer.see(request)).toMatchObject({ state: 'cancelled' });
  expect((await reviewer.decide(request, 'approve')).status).toBe(409);

  // The record says who ended it, and what stopped.
  const entries = await scene.forge.audit();
  const entry = entries.find(({ action }) => action === 'person.deactivated');
  expect(entry?.actor).toMatchObject({ id: 'workload:scim' });
  expect(entry?.details).toMatchObject({
    person: 'human:cem@example.org',
    endedBy: 'directory',
    stopped: { requests: [request] },
  });
  const stopped = entry?.details['stopped'] as Record<string, readonly string[]>;
  expect(stopped['tokens']).toHaveLength(1);
  expect(stopped['sessions']?.length).toBeGreaterThan(0);
  const outcome = entries.findLast(({ action }) => action === 'push.refused');
  expect(JSON.stringify(outcome?.details)).toContain('identity/revoked');

  // Coming back gives nothing back: the old token stays revoked.
  await scene.scim('PATCH', `/Users/${String(made.body['id'])}`, {
    Operations: [{ op: 'replace', path: 'active', value: true }],
  });
  expect((await scene.browserOf('cem')).page.status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect((await work.git('fetch', 'origin')).code).not.toBe(0);
  expect(await scene.forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
