// How repositories of a GitHub are protected: read from their settings, told point by point with what to change, as JSON,
// on the command line and on a page of the guard that is looked at in a real browser.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChromium } from '../support/chromium.ts';
import { createCaller } from '../support/api-caller.ts';
import { freePort } from '../support/free-port.ts';
import { makeCommits } from '../support/github/commits.ts';
import { type GuardedGithub, startGuardedGithub } from '../support/github/guarded-github.ts';
import type { Ruleset } from '../support/github/settings-state.ts';
import type { Repository } from '../support/github/world.ts';
import { oidcLogin, startLoginServer } from '../support/login-server.ts';
import { secretSample } from '../support/secrets.ts';
import { until } from '../support/until.ts';
import { signIn, WebClient } from '../support/web-client.ts';

const resources = new AsyncDisposableStack();
let scene: GuardedGithub;
let browser: Browser;
let url: string;
let token: string;
let open: Repository;
let right: Repository;

const rules = (types: readonly string[]): Ruleset['rules'] => types.map((type) => ({ type }));

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const logins = resources.use(await startLoginServer({ redirectUris: [`${url}/ui/sign-in/corp/callback`] }));
  logins.accounts.set('ida', { email: 'ida@example.org', name: 'Ida', groups: [] });
  logins.accounts.set('olu', { email: 'olu@example.org', name: 'Olu Owner', groups: [] });
  browser = await startChromium();
  resources.defer(() => browser.close());
  scene = resources.use(
    await startGuardedGithub({
      port,
      config: {
        publicUrl: url,
        identity: {
          web: {
            oidc: [oidcLogin(logins)],
          },
        },
      },
      env: { LOGIN_SECRET: logins.clientSecret },
    }),
  );
  open = await scene.createRepository('open');
  open.settings.keys = [{ id: 77, isReadOnly: false }];
  right = await scene.createRepository('right');
  const app = { actor_id: scene.app.id, actor_type: 'Integration', bypass_mode: 'always' } as const;
  const made = { source_type: 'Repository', source: 'acme/right', enforcement: 'active' } as const;
  Object.assign(right.settings, {
    workflowToken: 'read',
    pushProtection: 'enabled',
    rulesets: [
      {
        ...made,
        id: 1,
        name: 'main',
        target: 'branch',
        bypass_actors: [],
        include: ['~DEFAULT_BRANCH'],
        rules: [
          ...rules(['deletion', 'non_fast_forward', 'pull_request']),
          {
            type: 'required_status_checks',
            parameters: {
              required_status_checks: [{ context: 'forgeguard', integration_id: scene.app.id }],
              strict_required_status_checks_policy: false,
            },
          },
        ],
      },
      {
        ...made,
        id: 2,
        name: 'branches',
        target: 'branch',
        bypass_actors: [app],
        include: ['~ALL'],
        rules: rules(['creation', 'update']),
      },
      {
        ...made,
        id: 3,
        name: 'tags',
        source_type: 'Organization',
        source: 'acme',
        target: 'tag',
        bypass_actors: [app],
        include: ['~ALL'],
        rules: rules(['creation', 'update', 'deletion']),
      },
    ] satisfies readonly Ruleset[],
  });
  ({ token } = await createCaller(scene.database.database, url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  }));
  scene.github.deliveries.emitTo(scene.installation, 'installation_repositories', undefined, {
    action: 'added',
  });
});
afterAll(() => resources.disposeAsync());

interface Told {
  readonly repository: string;
  readonly readAt: string | null;
  readonly points: readonly {
    readonly topic: string;
    readonly state: string;
    readonly found: string;
    readonly change: string | null;
    readonly link: string | null;
  }[];
}

async function ask(by = token): Promise<readonly Told[]> {
  const answer = await fetch(`${url}/api/v1/posture`, { headers: { authorization: `Bearer ${by}` } });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { readonly repositories: readonly Told[] }).repositories;
}

async function postureOf(name: string, isThere: (told: Told) => boolean = () => true): Promise<Told> {
  let told: Told | undefined;
  await until(`the posture of ${name}`, async () => {
    told = (await ask()).find(({ repository }) => repository === `hub/acme/${name}`);
    if (told !== undefined && told.readAt !== null && isThere(told)) return true;
    // Less often than one principal may ask.
    await sleep(400);
    return false;
  }).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}\n${scene.guard.logs().slice(-2_000)}`, { cause: thrown });
  });
  return told as Told;
}

const statesOf = ({ points }: Told): Readonly<Record<string, string>> =>
  Object.fromEntries(points.map(({ topic, state }) => [topic, state]));

describe('the posture', () => {
  test('of an open repository says what to change and where', async () => {
    const told = await postureOf('open');
    expect(statesOf(told)).toEqual({
      'required-check': 'to-do',
      'direct-pushes': 'to-do',
      'force-pushes': 'to-do',
      deletions: 'to-do',
      'other-branches': 'to-do',
      tags: 'to-do',
      bypass: 'to-do',
      'deploy-keys': 'to-do',
      'workflow-token': 'to-do',
      'push-protection': 'to-do',
      app: 'ok',
      name: 'ok',
      sight: 'ok',
    });
    for (const { topic, change, link } of told.points)
      if (topic !== 'app' && topic !== 'name' && topic !== 'sight') {
        expect(change, topic).not.toBeNull();
        expect(link, topic).toContain(`${scene.github.url}/acme/open/settings/`);
      }
    expect(told.points.find(({ topic }) => topic === 'deploy-keys')?.found).toContain('77');
  });

  test('of one that is right has nothing to do, and names what GitHub does not tell', async () => {
    const told = await postureOf('right');
    const { bypass, ...others } = statesOf(told);
    expect([...new Set(Object.values(others))]).toEqual(['ok']);
    expect(bypass).toBe('unreadable');
    const point = told.points.find(({ topic }) => topic === 'bypass');
    expect(point?.found).toContain('administration: write');
    const tags = told.points.find(({ topic }) => topic === 'tags');
    expect(tags?.link).toBe(`${scene.github.url}/organizations/acme/settings/rules/3`);
  });

  test('is read anew when a rule has changed', async () => {
    right.settings.rulesets = right.settings.rulesets.filter(({ name }) => name !== 'tags');
    scene.github.deliveries.emit('repository_ruleset', right, {
      action: 'deleted',
      repository: { full_name: 'acme/right' },
    });
    const told = await postureOf('right', (seen) => statesOf(seen)['tags'] === 'to-do');
    expect(told.points.filter(({ state }) => state === 'to-do')).toHaveLength(1);
  });

  test('says which permission is missing', async () => {
    const { administration: _, ...fewer } = scene.installation.permissions;
    scene.installation.permissions = fewer;
    const read = async (): Promise<void> => {
      scene.github.deliveries.emit('branch_protection_rule', right, {
        action: 'edited',
        repository: { full_name: 'acme/open' },
      });
    };
    await scene.database.database.query(`delete from github_posture where repository = 'acme/open'`);
    await read();
    const told = await postureOf('open', (seen) => statesOf(seen)['app'] === 'to-do');
    expect(told.points.find(({ topic }) => topic === 'app')?.found).toContain('administration: read');
    scene.installation.permissions = { ...fewer, administration: 'read' };
  });

  test('is told to those who may audit the repository, and to nobody else', async () => {
    const caller = async (repository: string, verb: 'audit' | 'fetch'): Promise<readonly Told[]> => {
      const made = await createCaller(scene.database.database, url, {
        name: `some-${verb}-${repository.length}`,
        scopes: [{ repository, verbs: [verb] }],
      });
      return ask(made.token);
    };
    expect((await caller('hub/acme/right', 'audit')).map(({ repository }) => repository)).toEqual([
      'hub/acme/right',
    ]);
    expect(await caller('**', 'fetch')).toEqual([]);
  });

  test('is told on the command line, with an exit code', async () => {
    const run = await scene.guard.command(['posture', '--url', url, '--token-file', await tokenFile()]);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/hub\/acme\/open: 1?\d to do/);
    expect(run.stdout).toContain('Tags: TO DO.');
  });
});

async function tokenFile(): Promise<string> {
  const path = join(scene.guard.dataDir, 'auditor-token');
  await writeFile(path, token, { mode: 0o600 });
  return path;
}

/** A push with the credential of the guard's App, but not by the guard; gives its commit once it is on record. */
async function pushAround(): Promise<string> {
  const branch = 'agent/around';
  await makeCommits(scene.github.world, open, [
    { branch, files: { 'notes.txt': secretSample('npm-token', 41).text }, by: 'mallory' },
  ]);
  const after = (await open.git.refs())[`refs/heads/${branch}`] ?? '';
  await scene.github.actions.push(open, `refs/heads/${branch}`, null, `${scene.app.slug}[bot]`);
  const audited = { headers: { authorization: `Bearer ${token}` } };
  await until('the push is noticed and scanned', async () => {
    const answer = await (await fetch(`${url}/api/v1/bypasses?certainty=unknown`, audited)).text();
    if (answer.includes(after) && answer.includes('"verdict":"deny"')) return true;
    await sleep(400);
    return false;
  });
  return after;
}

test('an administrator sees it on a page, without scripts', async () => {
  const around = await pushAround();
  const context = await browser.newContext({
    javaScriptEnabled: false,
    viewport: { width: 1100, height: 1400 },
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.location().url.startsWith(url)) complaints.push(message.text());
  });
  const [link = ''] = /http\S+\/ui\/first-administrator\/\S+/.exec(scene.guard.logs()) ?? [];
  await page.goto(link);
  await page.getByRole('link', { name: 'Continue with Example Corp' }).click();
  await page.getByLabel('Who are you?').fill('olu');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'Posture' }).click();
  await page.getByRole('heading', { level: 1, name: 'Posture' }).waitFor();
  expect(await page.getByRole('main').innerText()).toContain('choose “Read repository contents');
  expect(await page.getByRole('link', { name: 'Settings of hub/acme/open: Tags' }).getAttribute('href')).toBe(
    `${scene.github.url}/acme/open/settings/rules/new?target=tag`,
  );
  const table = page.getByRole('table').first();
  expect(await table.innerText()).toMatch(/hub\/acme\/open\s.*agent\/around/);
  expect(await table.innerText()).toContain(around.slice(0, 7));
  expect(await table.innerText()).toContain('its key or a token was stolen');
  expect(await table.innerText()).toMatch(/[1-9] finding/);
  await page.getByRole('button', { name: 'Read again' }).click();
  await page.getByRole('heading', { level: 1, name: 'Posture' }).waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});

test('somebody else does not see it', async () => {
  const client = new WebClient();
  await signIn(client, url, 'corp', 'ida');
  const { status, text } = await client.open(`${url}/ui/posture`);
  expect([status, text]).toEqual([403, expect.stringContaining('for administrators')]);
});

test('GitHub was asked and answered as it describes', () => {
  expect(scene.github.violations).toEqual([]);
});
