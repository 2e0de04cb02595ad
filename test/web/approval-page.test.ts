// A reviewer who is signed in sees a held push on its page, and decides there.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withCredentials } from '../support/client.ts';
import { type PeopleForge, startPeopleForge } from '../support/people-forge.ts';
import { readRefusal } from '../support/refusal.ts';
import { until } from '../support/until.ts';
import { csrfIn, signIn, WebClient } from '../support/web-client.ts';

let scene: PeopleForge;
beforeAll(async () => {
  scene = await startPeopleForge();
});
afterAll(() => scene[Symbol.asyncDispose]());

test('a held push is seen and approved in the page, and lands', async () => {
  const made = await scene.forge.createRepo('team/app', { seed: { 'README.md': 'one\n' } });
  const work = await scene.forge.client.clone(withCredentials(made.bareUrl, 'agent', scene.forge.token));
  const oid = await work.commit('Change', { 'README.md': '<b>two</b>\n' });
  const pushed = await work.push('HEAD:refs/heads/main', { options: ['forgeguard.format=json'] });
  const url = readRefusal(pushed.stderr).approval?.url ?? '';
  const id = readRefusal(pushed.stderr).approval?.id ?? '';
  const path = `/ui/approvals/${id}`;
  expect(url).toBe(scene.url + path);

  // The link leads through the sign-in.
  const ada = new WebClient();
  expect((await ada.open(url)).url).toContain(`/ui/sign-in?return=${encodeURIComponent(path)}`);
  const page = await signIn(ada, scene.url, 'corp', 'ada', path);
  expect(page.url).toBe(url);
  expect(page.text).toContain('forge/team/app');
  expect(page.text).toContain('+&lt;b&gt;two&lt;/b&gt;');
  expect(page.text).not.toContain('<b>two');

  // Who may not see it is told that there is none; who may not decide is refused.
  const olu = await scene.browserOf('olu');
  expect((await olu.client.open(url)).status).toBe(404);
  expect((await ada.submit(url, { csrf: 'none', decision: 'approve' })).status).toBe(403);

  const done = await ada.submit(url, { csrf: csrfIn(page), decision: 'approve', comment: 'read it' });
  expect(done.url).toBe(url);
  expect(done.text).toContain('human:ada@example.org: approve');
  await until('it has landed', async () => (await made.repository.refs())['refs/heads/main'] === oid);
  const voted = (await scene.forge.audit()).findLast(({ action }) => action === 'approval.voted');
  expect(voted?.actor).toMatchObject({ id: 'human:ada@example.org', proof: 'web' });
});
