// Signing in by OpenID Connect at a real provider, the sessions that come of it, and everything that must not work.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PeopleForge, startPeopleForge } from '../support/people-forge.ts';
import { csrfIn, signIn, WebClient } from '../support/web-client.ts';

let scene: PeopleForge;
beforeAll(async () => {
  scene = await startPeopleForge();
});
afterAll(() => scene[Symbol.asyncDispose]());

const sessionCookie = '__Host-forgeguard-session';

async function lastEntry(action: string) {
  return (await scene.forge.audit()).findLast((entry) => entry.action === action);
}

describe('signing in', () => {
  test('ends on the page of the person, with the roles of its groups', async () => {
    const { page } = await scene.browserOf('ada');
    expect(page.url).toBe(`${scene.url}/ui`);
    expect(page.text).toContain('Ada Reviewer');
    expect(page.text).toContain('human:ada@example.org');
    expect(page.text).toContain('decides about what is held');
    const entry = await lastEntry('session.started');
    expect(entry?.actor).toMatchObject({
      kind: 'human',
      id: 'human:ada@example.org',
      issuer: scene.logins.issuer,
      subject: 'ada',
      proof: 'web',
      groups: ['code-review', 'reviewers'],
    });
    expect(entry?.details).toMatchObject({
      provider: 'corp',
      proof: 'oidc',
      amr: ['pwd', 'otp'],
      acr: 'second-factor',
    });
  });

  test('sets a cookie that no script and no other site gets hold of, and keeps only its hash', async () => {
    const client = new WebClient();
    const page = await client.open(`${scene.url}/ui/sign-in/corp`);
    const back = await client.once(page.url, { method: 'POST', body: new URLSearchParams({ login: 'ada' }) });
    let answer = await client.once(back.headers.get('location') ?? '');
    while (!answer.url.startsWith(scene.url))
      answer = await client.once(answer.headers.get('location') ?? '');
    const lines = answer.headers.getSetCookie();
    const [line = ''] = lines.filter((text) => text.startsWith(`${sessionCookie}=`));
    expect(line).toMatch(/; Path=\//);
    expect(line).toMatch(/; HttpOnly/);
    expect(line).toMatch(/; Secure/);
    expect(line).toMatch(/; SameSite=Lax/);
    expect(line).not.toMatch(/Domain/);
    const rows = await scene.forge.database.database.query('select * from web_session');
    expect(JSON.stringify(rows)).not.toContain(client.cookies(scene.url).get(sessionCookie));
  });

  test('goes on to pages of the guard and nowhere else', async () => {
    const to = async (text: string): Promise<string> => {
      const client = new WebClient();
      return (await signIn(client, scene.url, 'corp', 'ada', text)).url;
    };
    expect(await to('/ui/device?code=BCDF')).toBe(`${scene.url}/ui/device?code=BCDF`);
    for (const foreign of [
      '//evil.example/',
      'https://evil.example/',
      '/ui/../../evil',
      '/uix',
      String.raw`/ui\evil`,
    ])
      expect(await to(foreign), foreign).toBe(`${scene.url}/ui`);
  });

  test('gives every session a new cookie, and ends the one that the browser had', async () => {
    const { client } = await scene.browserOf('ada');
    const first = client.cookies(scene.url).get(sessionCookie) ?? '';
    await signIn(client, scene.url, 'corp', 'ada');
    expect(client.cookies(scene.url).get(sessionCookie)).not.toBe(first);
    const old = new WebClient();
    old.cookies(scene.url).set(sessionCookie, first);
    expect((await old.open(`${scene.url}/ui`)).url).toContain('/ui/sign-in');
  });

  test('is refused to whoever did not begin it, and a second time', async () => {
    const victim = new WebClient();
    const page = await victim.open(`${scene.url}/ui/sign-in/corp`);
    let answer = await victim.once(page.url, { method: 'POST', body: new URLSearchParams({ login: 'ada' }) });
    while (!(answer.headers.get('location') ?? '').startsWith(scene.url))
      answer = await victim.once(answer.headers.get('location') ?? '');
    const callback = answer.headers.get('location') ?? '';
    const stranger = await new WebClient().once(callback);
    expect(stranger.status).toBe(403);
    expect(stranger.text).toContain('login/refused');
    expect((await lastEntry('login.refused'))?.details).toMatchObject({ reason: 'browser' });
    expect((await victim.once(callback)).status).toBe(303);
    expect((await victim.once(callback)).status).toBe(403);
  });

  test.each([
    ['another issuer in the answer', (url: URL) => url.searchParams.set('iss', 'https://evil.example')],
    ['no issuer in the answer', (url: URL) => url.searchParams.delete('iss')],
    ['a code that the provider did not give', (url: URL) => url.searchParams.set('code', 'made-up')],
    ['another state', (url: URL) => url.searchParams.set('state', '0'.repeat(64))],
  ])('is refused with %s', async (_what, change) => {
    const client = new WebClient();
    const page = await client.open(`${scene.url}/ui/sign-in/corp`);
    let answer = await client.once(page.url, { method: 'POST', body: new URLSearchParams({ login: 'ada' }) });
    while (!(answer.headers.get('location') ?? '').startsWith(scene.url))
      answer = await client.once(answer.headers.get('location') ?? '');
    const callback = new URL(answer.headers.get('location') ?? '');
    change(callback);
    const refused = await client.once(callback.href);
    expect(refused.status).toBe(403);
    expect(client.cookies(scene.url).has(sessionCookie)).toBe(false);
  });

  test.each([
    [
      'an ID token whose signature is not the provider’s',
      (token: string) =>
        token.replace(/\.[^.]+$/, (end) =>
          end
            .split('')
            .toReversed()
            .join('')
            .replace(/^(.*)\.$/, '.$1'),
        ),
    ],
    [
      'an ID token without a signature',
      (token: string) => {
        const none = Buffer.from('{"alg":"none"}').toString('base64url');
        return `${none}.${token.split('.')[1] ?? ''}.`;
      },
    ],
    [
      'an ID token that says somebody else',
      (token: string) => {
        const [head, body, end] = token.split('.');
        const claims = Buffer.from(body ?? '', 'base64url')
          .toString('utf8')
          .replaceAll('"ada"', '"olu"');
        return `${head}.${Buffer.from(claims).toString('base64url')}.${end}`;
      },
    ],
  ])('is refused with %s', async (_what, change) => {
    scene.logins.tamper = (answer) => ({ ...answer, id_token: change(String(answer['id_token'])) });
    const client = new WebClient();
    const page = await signIn(client, scene.url, 'corp', 'ada');
    scene.logins.tamper = undefined;
    expect(page.status).toBe(403);
    expect(page.text).toContain('login/refused');
    expect(client.cookies(scene.url).has(sessionCookie)).toBe(false);
  });

  test('does not give an address that belongs to an account to another one', async () => {
    await scene.browserOf('olu');
    scene.logins.accounts.set('new-olu', { email: 'Olu@Example.org', name: 'New Olu' });
    const { page } = await scene.browserOf('new-olu');
    expect(page.status).toBe(409);
    expect(page.text).toContain('person/conflict');
  });

  test('names people of other domains, and of addresses that are not verified, by their subject', async () => {
    scene.logins.accounts.set('eve', { email: 'ada@evil.example' });
    scene.logins.accounts.set('mal', { email: 'ada@example.org', email_verified: false });
    expect((await scene.browserOf('eve')).page.text).toContain('human:corp/eve');
    expect((await scene.browserOf('mal')).page.text).toContain('human:corp/mal');
  });
});

describe('a session', () => {
  test('ends at its sign-out, and by its person from another browser', async () => {
    const first = await scene.browserOf('ada');
    const second = await scene.browserOf('ada');
    const out = await first.client.submit(`${scene.url}/ui/sign-out`, { csrf: csrfIn(first.page) });
    expect(out.url).toBe(`${scene.url}/ui/sign-in`);
    expect((await first.client.open(`${scene.url}/ui`)).url).toContain('/ui/sign-in');
    const third = await scene.browserOf('ada');
    const page = await second.client.open(`${scene.url}/ui`);
    for (const [, id = ''] of page.text.matchAll(/\/ui\/sessions\/(ses-[0-9a-f]+)\/end/g))
      await second.client.submit(`${scene.url}/ui/sessions/${id}/end`, { csrf: csrfIn(page) });
    expect((await third.client.open(`${scene.url}/ui`)).url).toContain('/ui/sign-in');
  });

  test.each([
    ['rest', "seen_at = now() - interval '31 minutes'"],
    ['age', "created_at = now() - interval '13 hours', expires_at = now() - interval '1 hour'"],
  ])('ends by %s', async (_what, change) => {
    const { client } = await scene.browserOf('ida');
    await scene.forge.database.database.query(
      `update web_session set ${change} where person = 'human:ida@example.org'`,
    );
    const page = await client.open(`${scene.url}/ui`);
    expect(page.url).toContain('/ui/sign-in');
    expect(page.text).toContain('Your session has ended');
  });

  test('changes nothing for other sites, and nothing without the token of its pages', async () => {
    const { client, page } = await scene.browserOf('ada');
    const csrf = csrfIn(page);
    const out = `${scene.url}/ui/sign-out`;
    const sendAs = (headers: Record<string, string>, token: string) =>
      client.once(out, { method: 'POST', body: new URLSearchParams({ csrf: token }), headers });
    const own = { origin: scene.url, 'sec-fetch-site': 'same-origin' };
    for (const [headers, token] of [
      [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, csrf],
      [{ origin: 'https://evil.example' }, csrf],
      [{ origin: scene.url, 'sec-fetch-site': 'same-site' }, csrf],
      [{ origin: 'null', 'sec-fetch-site': 'same-origin' }, csrf],
      [{}, csrf],
      [own, ''],
      [own, `${csrf.slice(0, -1)}${csrf.endsWith('A') ? 'B' : 'A'}`],
    ] as const) {
      const refused = await sendAs(headers, token);
      expect(refused.status, JSON.stringify(headers)).toBe(403);
      expect(refused.text).toContain('web/cross-site');
    }
    expect((await client.open(`${scene.url}/ui`)).status).toBe(200);
    expect((await sendAs(own, csrf)).status).toBe(303);
  });

  test('opens the API, with the same care', async () => {
    const { client, page } = await scene.browserOf('ada');
    const list = await client.once(`${scene.url}/api/v1/approvals`);
    expect(list.status).toBe(200);
    const decide = `${scene.url}/api/v1/approvals/none/approve`;
    const own = { origin: scene.url, 'sec-fetch-site': 'same-origin' };
    expect((await client.once(decide, { method: 'POST', headers: own })).status).toBe(403);
    const header = { ...own, 'x-forgeguard-csrf': csrfIn(page) };
    expect((await client.once(decide, { method: 'POST', headers: header })).status).toBe(404);
    client.cookies(scene.url).set(sessionCookie, 'A'.repeat(43));
    expect((await client.once(`${scene.url}/api/v1/approvals`)).status).toBe(401);
  });
});

test('pages let nothing in from elsewhere and cannot be framed', async () => {
  const page = await new WebClient().open(`${scene.url}/ui`);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect(page.headers.get('x-frame-options')).toBe('DENY');
  expect(page.headers.get('referrer-policy')).toBe('same-origin');
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.text).not.toContain('<script');
});

test('what a provider says of somebody is shown as text', async () => {
  scene.logins.accounts.set('xss', { name: '<img src=x onerror=alert(1)>', groups: ['<b>bold</b>'] });
  const { page } = await scene.browserOf('xss');
  expect(page.text).not.toContain('<img');
  expect(page.text).not.toContain('<b>');
  expect(page.text).toContain('&lt;img src=x');
});

test('the first administrator comes by a link that works once', async () => {
  const [link = ''] = /http\S+\/ui\/first-administrator\/\S+/.exec(scene.forge.guard.logs()) ?? [];
  const olu = new WebClient();
  expect((await olu.open(link)).text).toContain('first administrator');
  const page = await signIn(olu, scene.url, 'corp', 'olu');
  expect(page.text).toContain('security-admin');
  expect((await lastEntry('person.role-granted'))?.details).toMatchObject({
    person: 'human:olu@example.org',
    role: 'security-admin',
  });
  const other = new WebClient();
  expect((await other.open(link)).status).toBe(403);
  expect((await signIn(other, scene.url, 'corp', 'ida')).text).not.toContain('security-admin');
  // The list of people, and the end of somebody's access from there.
  const ida = await scene.browserOf('ida');
  const list = await olu.open(`${scene.url}/ui/people`);
  expect(list.text).toContain('human:ida@example.org');
  expect((await ida.client.open(`${scene.url}/ui/people`)).status).toBe(403);
  await olu.submit(`${scene.url}/ui/people/deactivate`, {
    csrf: csrfIn(list),
    person: 'human:ida@example.org',
  });
  expect((await ida.client.open(`${scene.url}/ui`)).url).toContain('/ui/sign-in');
  expect((await scene.browserOf('ida')).page.text).toContain('person/ended');
  await olu.submit(`${scene.url}/ui/people/reactivate`, {
    csrf: csrfIn(list),
    person: 'human:ida@example.org',
  });
  expect((await scene.browserOf('ida')).page.status).toBe(200);
});
