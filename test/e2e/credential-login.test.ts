// `forgeguard credential` where a person lets the machine in: git asks, the person permits it in a browser, git goes on; and
// from then on nobody is asked again.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../cli/program.ts';
import { ok } from '../support/client.ts';
import { type PeopleForge, startPeopleForge } from '../support/people-forge.ts';
import { isolatedGitEnvironment, run, type Run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { csrfIn } from '../support/web-client.ts';

const resources = new AsyncDisposableStack();
let scene: PeopleForge;

beforeAll(async () => {
  scene = resources.use(await startPeopleForge());
});
afterAll(() => resources.disposeAsync());

/** Home of a user whose git signs in as this agent. */
async function homeOf(agent: string): Promise<string> {
  const home = resources.use(await temporaryDirectory('login')).path;
  const flags = ['--source', 'login', '--agent', agent, '--scope', 'forge/team/*:fetch,push'];
  const args = [program, 'credential', ...flags, 'setup', scene.url];
  ok(await run(process.execPath, args, { cwd: home, env: isolatedGitEnvironment(home) }));
  return home;
}

const list = (home: string, url: string): Promise<Run> =>
  run('git', ['ls-remote', url], { cwd: home, env: isolatedGitEnvironment(home) });

let made = 0;
async function newRepository(): Promise<string> {
  made += 1;
  return (await scene.forge.createRepo(`team/made-${made}`, { seed: { 'a.txt': 'a\n' } })).bareUrl;
}

async function rows<T>(text: string): Promise<readonly T[]> {
  return scene.forge.database.database.query<T & Record<string, unknown>>(text);
}

/** The person whom the machine asks enters the code that it shows. */
async function decide(agent: string, decision: 'allow' | 'deny'): Promise<string> {
  const find = async (): Promise<string | undefined> => {
    const waiting = await rows<{ readonly agent: string; readonly code: string }>(
      "select agent, user_code as code from device_request where state = 'waiting'",
    );
    return waiting.find((request) => request.agent === agent)?.code;
  };
  await until('a code that waits', async () => (await find()) !== undefined, 60_000);
  const code = (await find()) ?? '';
  const { client } = await scene.browserOf('olu');
  const form = await client.open(`${scene.url}/ui/device`);
  const shown = await client.submit(`${scene.url}/ui/device`, { csrf: csrfIn(form), code });
  await client.submit(`${scene.url}/ui/device/decide`, { csrf: csrfIn(shown), code, decision });
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

test('git waits until the person has decided, and is asked for nothing again', async () => {
  const [home, other] = [await homeOf('laptop-bot'), await homeOf('stranger-bot')];
  const url = await newRepository();
  const [listing, refusing] = [list(home, url), list(other, url)];
  await decide('stranger-bot', 'deny');
  const code = await decide('laptop-bot', 'allow');

  const refused = await refusing;
  expect(refused.code).toBe(128);
  expect(refused.stderr).toMatch(/gave no session token \(access_denied\)[^]*told us to quit/);
  const listed = ok(await listing);
  expect(listed.stdout).toContain('refs/heads/main');
  expect(listed.stderr).toContain('to let laptop-bot act for you (forge/team/*:fetch,push), open\n');
  expect(listed.stderr).toContain(`${scene.url}/ui/device?code=${code}\n`);
  const opened = (await scene.forge.audit()).filter(({ action }) => action === 'session.opened');
  expect(opened.map(({ actor }) => [actor?.id, actor?.onBehalfOf])).toEqual([
    ['agent:laptop-bot', ['human:olu@example.org']],
    ['agent:laptop-bot', ['human:olu@example.org']],
  ]);

  // Another repository asks nobody; a session that has run out is renewed, each time with another refresh token.
  const next = await newRepository();
  expect(ok(await list(home, next)).stderr).toBe('');
  const directory = join(home, '.cache/forgeguard/credential');
  for (const round of [2, 3]) {
    for (const name of (await readdir(directory)).filter((file) => file.endsWith('.json'))) {
      const file = join(directory, name);
      const entry = JSON.parse(await readFile(file, 'utf8')) as object;
      await writeFile(file, JSON.stringify({ ...entry, expiresAt: 0 }));
    }
    expect(ok(await list(home, next)).stderr).toBe('');
    const refreshed = await rows<{ readonly count: string }>('select count(*) from refresh_token');
    expect(Number(refreshed[0]?.count)).toBe(round);
  }
});
