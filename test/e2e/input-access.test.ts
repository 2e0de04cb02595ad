// Requests that nobody may send: without a credential, with the wrong one, beyond a scope, or for what is not smart HTTP.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokenOffice } from '../../server/identity/tokens.ts';
import { withCredentials } from '../support/client.ts';
import { commitOfFiles, noObject } from '../support/git-object.ts';
import { basic, requestIn } from '../support/guarded-forge.ts';
import { packOf } from '../support/pack.ts';
import { receivePackBody } from '../support/raw-push.ts';
import { type RefusalScene, startRefusalScene } from '../support/refusal-scene.ts';

let scene: RefusalScene;
beforeAll(async () => {
  scene = await startRefusalScene();
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const objects = commitOfFiles({ 'a.txt': 'a\n' });
const honest = receivePackBody({
  commands: [{ oldOid: noObject(), newOid: objects[0].oid, ref: 'refs/heads/topic' }],
  pack: packOf(objects),
});

describe('who may', () => {
  const advertise = (url: string, authorization?: string, service = 'git-receive-pack') =>
    fetch(`${url}/info/refs?service=${service}`, {
      headers: authorization === undefined ? {} : { authorization },
    });

  test('nobody without a credential, who is asked for one', async () => {
    for (const service of ['git-upload-pack', 'git-receive-pack']) {
      const response = await advertise(scene.target.bareUrl, undefined, service);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
      expect(await response.text()).toMatch(/identity\/missing/);
    }
  });

  test('who is not known learns nothing of what exists', async () => {
    const texts = new Set<string>();
    for (const path of ['forge/team/target', 'forge/team/none', 'nowhere/team/target']) {
      const response = await advertise(
        `${scene.forge.guard.url}/git/${path}.git`,
        basic('fg_made_up_and_wrong'),
      );
      expect(response.status).toBe(401);
      texts.add((await response.text()).replace(/request: .*/, ''));
    }
    expect(texts.size).toBe(1);
  });

  test('a known agent is told what does not exist', async () => {
    const forge = await advertise(
      `${scene.forge.guard.url}/git/nowhere/team/x.git`,
      scene.forge.authorization,
    );
    expect(forge.status).toBe(404);
    expect(await forge.text()).toMatch(/no such repository behind this guard; forges here: forge/);
    await scene.expectRecorded(
      String(forge.headers.get('x-request-id')),
      'push.refused',
      'route/unknown-repository',
    );
    const repository = await advertise(
      `${scene.forge.guard.url}/git/forge/team/none.git`,
      scene.forge.authorization,
    );
    expect(repository.status).toBe(404);
    expect(await repository.text()).toMatch(/upstream\/not-found/);
  });

  test('not with a token that has expired', async () => {
    const { token, id } = await scene.forge.issue({ name: 'late' });
    await scene.forge.database.database.query(
      `update guard_token set created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' where id = $1`,
      [id],
    );
    const response = await advertise(scene.target.bareUrl, basic(token));
    expect(response.status).toBe(401);
    expect(await response.text()).toMatch(/expired/);
  });

  test('not with a token that was revoked a second ago', async () => {
    const { token, id } = await scene.forge.issue({ name: 'gone' });
    expect((await advertise(scene.target.bareUrl, basic(token))).status).toBe(200);
    const office = createTokenOffice({
      database: scene.forge.database.database,
      clock: { now: () => new Date() },
      maxLifetime: 3_600,
    });
    await office.revoke(id, 'human:operator');
    await sleep(1_100);
    const response = await advertise(scene.target.bareUrl, basic(token));
    expect(response.status).toBe(401);
    expect(await response.text()).toMatch(/revoked/);
  });

  test('not push with a token for fetches, however the URL is written', async () => {
    const { token } = await scene.forge.issue({ name: 'reader', verbs: ['fetch'] });
    const authorization = basic(token);
    expect((await advertise(scene.target.bareUrl, authorization, 'git-upload-pack')).status).toBe(200);
    const path = new URL(scene.target.bareUrl).pathname;
    const written = ['git-receive-pack', 'git-receive%2Dpack', '%67it-receive-pack', 'git%2dreceive%2dpack'];
    for (const service of written) {
      const posted = await scene.ask('POST', `${path}/${service}`, { authorization }, honest);
      expect(posted.status).toBe(403);
      const asked = await scene.ask('GET', `${path}/info/refs?service=${service}`, { authorization });
      expect(asked.status).toBe(403);
      expect(asked.text).toMatch(/may not push to forge\/team\/target/);
      await scene.expectRecorded(asked.request, 'push.refused', 'identity/forbidden');
    }
    await scene.expectNothingDone({ status: 403, text: '', request: '' });
    const tree = await scene.forge.client.clone(withCredentials(scene.target.bareUrl, 'reader', token));
    await tree.commit('more', { 'more.txt': 'more\n' });
    const run = await tree.push('HEAD:refs/heads/topic');
    expect(run.code).toBe(128);
    expect(run.stderr).toMatch(/remote: forgeguard: this token may not push to forge\/team\/target/);
  });

  test('not beyond the repositories of the token', async () => {
    const { token } = await scene.forge.issue({ name: 'narrow', repository: 'forge/other/**' });
    const response = await advertise(scene.target.bareUrl, basic(token), 'git-upload-pack');
    expect(response.status).toBe(403);
    expect(await response.text()).toMatch(/may not fetch from forge\/team\/target/);
  });
});

test('a token is good for its refs only, which is told before anything of the push is looked at', async () => {
  const { token } = await scene.forge.issue({ name: 'branches', refs: ['refs/heads/agent/**'] });
  const made = await scene.forge.createRepo('team/branches', { seed: { 'README.md': 'hello\n' } });
  const url = withCredentials(made.bareUrl, 'branches', token);
  const tree = await scene.forge.client.clone(url);
  await tree.commit('more', { 'more.txt': 'more\n' });
  const refused = await tree.push(['HEAD:refs/heads/agent/one', 'HEAD:refs/heads/elsewhere']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(
    /this token may push only to refs\/heads\/agent\/\*\*; 1 of the 2 refs of this push match/,
  );
  const request = requestIn(refused.stderr);
  expect((await scene.forge.audit(request)).map(({ action }) => action)).toEqual(['push.refused']);
  await scene.expectRecorded(request, 'push.refused', 'identity/forbidden');
  expect(Object.keys(await made.repository.refs())).toEqual(['refs/heads/main']);
  expect((await tree.push('HEAD:refs/heads/agent/one')).code).toBe(0);
  const received = (await scene.forge.audit()).findLast(({ action }) => action === 'push.received');
  expect(received?.details).toMatchObject({ refLimits: ['refs/heads/agent/**'] });
});

describe('paths and methods that are not smart HTTP', () => {
  const base = '/git/forge/team/target.git';
  const refused: readonly (readonly [string, string])[] = [
    ['GET', `${base}/info/refs`],
    ['GET', `${base}/info/refs?service=git-upload-archive`],
    ['GET', `${base}/info/refs?service=git-upload-pack&service=git-receive-pack`],
    ['GET', `${base}/HEAD`],
    ['GET', `${base}/objects/info/packs`],
    ['GET', `${base}/objects/aa/${'b'.repeat(38)}`],
    ['GET', `${base}/config`],
    ['GET', base],
    ['POST', `${base}/git-upload-archive`],
    ['POST', `${base}/info/refs?service=git-receive-pack`],
    ['GET', `${base}/git-receive-pack`],
    ['PUT', `${base}/objects/aa/${'b'.repeat(38)}`],
    ['DELETE', `${base}/refs/heads/main`],
    ['PROPFIND', base],
    ['MKCOL', `${base}/x`],
    ['LOCK', `${base}/refs/heads/main`],
    ['MOVE', `${base}/refs/heads/main`],
    ['PATCH', base],
    ['OPTIONS', base],
    ['HEAD', `${base}/info/refs?service=git-upload-pack`],
    ['GET', '/git/forge/../../etc/passwd/info/refs?service=git-upload-pack'],
    ['GET', '/git/forge/%2e%2e/%2e%2e/etc/info/refs?service=git-upload-pack'],
    ['GET', '/git/forge/team%2f..%2f..%2ftarget.git/info/refs?service=git-upload-pack'],
    ['GET', '/git/forge/team/target.git%00/info/refs?service=git-upload-pack'],
    ['GET', '/git/forge/team/%252e%252e/info/refs?service=git-upload-pack'],
    ['GET', '/git/forge/team/-rf.git/info/refs?service=git-upload-pack'],
    ['GET', '/git/forge//team//target.git/info/refs?service=git-upload-pack'],
    ['GET', '/git/forge/team/%zz/info/refs?service=git-upload-pack'],
    ['GET', '/git/forge/team/%ff%fe/info/refs?service=git-upload-pack'],
    ['GET', `/git/forge/${'a/'.repeat(100)}x.git/info/refs?service=git-upload-pack`],
    ['GET', `/git/forge/${'a'.repeat(8_000)}.git/info/refs?service=git-upload-pack`],
    ['GET', '/git/'],
    ['GET', '/git'],
    ['GET', '/%'],
    ['GET', '/nothing'],
  ];
  test.each(refused)('%s %s', async (method, path) => {
    scene.forge.upstream.forgetRequests();
    const answered = await scene.ask(method, path, { authorization: scene.forge.authorization });
    expect(answered.status).toBeGreaterThanOrEqual(400);
    expect(answered.status).toBeLessThan(500);
    expect(scene.forge.upstream.requests.map(({ url }) => url)).toEqual([]);
    if (method !== 'HEAD') expect(answered.text).toMatch(/^forgeguard: /);
    await scene.expectNothingDone(answered);
  });

  test('an address that is too long for HTTP', async () => {
    const answered = await scene.ask('GET', `/git/forge/${'a'.repeat(40_000)}`, {});
    expect([414, 431]).toContain(answered.status);
    await scene.expectNothingDone(answered);
  });
});
