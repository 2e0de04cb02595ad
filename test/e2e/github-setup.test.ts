// The GitHub App in a minute: an administrator opens a page, GitHub makes the App, and its key and secret are in private
// files; nobody else gets so far, and a code that nobody asked for gets nowhere.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTokenOffice } from '../../server/identity/tokens.ts';
import { readEntries } from '../../server/audit/store.ts';
import { appEvents } from '../../github-app/manifest.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeGitHub, startFakeGitHub } from '../support/github/fake-github.ts';
import { type RunningGuard, startGuard } from '../support/guard.ts';

const resources = new AsyncDisposableStack();
let github: FakeGitHub;
let guard: RunningGuard;
let database: TestDatabase;
let admin: string;
let reviewer: string;

beforeAll(async () => {
  github = resources.use(await startFakeGitHub());
  database = resources.use(await freshDatabase());
  guard = resources.use(
    await startGuard({
      config: {
        database: { url: { env: 'GUARD_DATABASE' } },
        forges: [{ name: 'hub', url: github.url, credential: { mode: 'none' } }],
      },
      env: { GUARD_DATABASE: database.url },
    }),
  );
  const office = createTokenOffice({
    database: database.database,
    clock: { now: () => new Date() },
    maxLifetime: 3_600,
  });
  const issue = async (verb: 'admin' | 'approve'): Promise<string> => {
    const { token } = await office.issue({
      kind: 'human',
      name: `${verb}-ada`,
      owner: 'human:ada',
      purpose: 'a test',
      groups: [],
      onBehalfOf: [],
      scopes: [{ repository: '**', verbs: [verb] }],
      lifetime: 600,
      issuedBy: 'a test',
    });
    return `Basic ${Buffer.from(`ada:${token.reveal()}`).toString('base64')}`;
  };
  [admin, reviewer] = await Promise.all([issue('admin'), issue('approve')]);
});
afterAll(() => resources.disposeAsync());

const get = (path: string, authorization?: string): Promise<Response> =>
  fetch(new URL(path, guard.url), { headers: authorization === undefined ? {} : { authorization } });

const unescaped = (text: string): string =>
  text.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&#39;', "'");

test('only an administrator gets the page', async () => {
  expect((await get('/github/setup')).status).toBe(401);
  const { status } = await get('/github/setup', reviewer);
  expect([401, 403]).toContain(status);
});

test('the App is made, and what GitHub hands out is in private files', async () => {
  const page = await (await get('/github/setup?organization=acme', admin)).text();
  const [, action = ''] = /action="([^"]+)"/.exec(page) ?? [];
  const [, manifest = ''] = /name="manifest" value="([^"]+)"/.exec(page) ?? [];
  const sent = await fetch(unescaped(action), {
    method: 'POST',
    body: new URLSearchParams({ manifest: unescaped(manifest) }),
    redirect: 'manual',
  });
  const back = sent.headers.get('location') ?? '';
  expect((await get(back, reviewer)).status).not.toBe(200);
  const done = await get(back, admin);
  const text = await done.text();
  expect(done.status).toBe(200);
  const [app] = [...github.world.apps.values()];
  expect(app?.webhookUrl).toMatch(/\/webhooks\/github$/);
  expect(app?.events).toEqual(appEvents);
  expect(text).toContain(`appId: ${app?.id}`);
  expect(text).not.toContain(app?.webhookSecret);
  const files = (await readdir(guard.dataDir)).filter((name) => name.startsWith('github-app-'));
  expect(files).toHaveLength(2);
  for (const file of files) expect((await stat(join(guard.dataDir, file))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(guard.dataDir, `github-app-${app?.id}-private-key.pem`), 'utf8')).toBe(
    app?.privateKey,
  );
  // The same address again is nothing.
  expect((await get(back, admin)).status).toBe(400);
  const entries = await readEntries(database.database, 0, 1_000);
  expect(entries.some(({ body }) => Buffer.from(body).toString('utf8').includes('github-app.created'))).toBe(
    true,
  );
});

test('a return that nobody began is refused', async () => {
  expect((await get(`/github/setup/done?code=abc&state=${'x'.repeat(43)}`, admin)).status).toBe(400);
});
