// Who may fetch, what of it is recorded, and the ways around the guard that are closed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok, withCredentials } from '../support/client.ts';
import {
  basic,
  type GuardedForge,
  type GuardedRepository,
  requestIn,
  startGuardedForge,
  upstreamPassword,
} from '../support/guarded-forge.ts';
import { parsePackets } from '../support/push-report.ts';
import { flushPacket, packet, postService, type RawResponse } from '../support/raw-push.ts';
import type { Run } from '../support/run.ts';

let scene: GuardedForge;
let target: GuardedRepository;
let tip: string;

beforeAll(async () => {
  scene = await startGuardedForge();
  target = await scene.createRepo('team/target', { seed: { 'README.md': 'hello\n' } });
  tip = (await target.repository.refs())['refs/heads/main'] ?? '';
  // An upstream that offers content by other ways than Git's own.
  await target.repository.git('config', 'uploadpack.advertiseBundleURIs', 'true');
  await target.repository.git('config', 'bundle.version', '1');
  await target.repository.git('config', 'bundle.mode', 'all');
  await target.repository.git('config', 'bundle.one.uri', 'https://elsewhere.example/bundle');
  await target.repository.git(
    'config',
    'uploadpack.blobPackfileUri',
    `${'a'.repeat(40)} ${'b'.repeat(40)} https://elsewhere.example/pack`,
  );
  await target.repository.git('config', 'transfer.advertiseObjectInfo', 'true');
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const fetchEntries = async () => (await scene.audit()).filter(({ action }) => action.startsWith('fetch.'));

describe('a token', () => {
  const list = (token: string): Promise<Run> =>
    scene.client.git(['ls-remote', withCredentials(target.bareUrl, 'agent', token)]);

  test('for fetches is enough', async () => {
    const { token } = await scene.issue({ name: 'reader', verbs: ['fetch'] });
    expect(ok(await list(token)).stdout).toContain(tip);
    ok(
      await scene.client.git([
        'clone',
        '--quiet',
        '--bare',
        withCredentials(target.bareUrl, 'agent', token),
        'reader',
      ]),
    );
  });

  test('as a Bearer header is as good', async () => {
    const { token } = await scene.issue({ name: 'bearer' });
    const header = `http.extraHeader=Authorization: Bearer ${token}`;
    expect(ok(await scene.client.git(['-c', header, 'ls-remote', target.bareUrl])).stdout).toContain(tip);
  });

  test('for pushes alone does not open a fetch, and that is recorded', async () => {
    const { token } = await scene.issue({ name: 'writer', verbs: ['push'] });
    const refused = await list(token);
    expect(refused.code).toBe(128);
    expect(refused.stderr).toMatch(
      /remote: forgeguard: this token may not fetch from forge\/team\/target \[identity\/forbidden\]/,
    );
    expect(refused.stderr).toMatch(/remote: Ask for a token whose scope covers this repository and verb/);
    const entries = await scene.audit(requestIn(refused.stderr));
    expect(entries).toMatchObject([
      {
        action: 'fetch.refused',
        repository: 'forge/team/target',
        actor: { id: 'agent:writer' },
        details: { by: 'guard', code: 'identity/forbidden' },
      },
    ]);
  });

  test('for other repositories does not open this one', async () => {
    const { token } = await scene.issue({ name: 'narrow', repository: 'forge/other/*' });
    expect((await list(token)).stderr).toMatch(/may not fetch from forge\/team\/target/);
  });

  test('that is unknown or over is answered like none', async () => {
    const { token, id } = await scene.issue({ name: 'late' });
    await scene.database.database.query(
      `update guard_token set created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' where id = $1`,
      [id],
    );
    for (const wrong of [token, `fg_${'made-up'.repeat(6)}`, 'x', upstreamPassword]) {
      scene.upstream.forgetRequests();
      const refused = await list(wrong);
      expect(refused.code).toBe(128);
      expect(refused.stderr).toMatch(/Authentication failed/);
      expect(refused.stderr).not.toContain(wrong === 'x' ? upstreamPassword : wrong);
      expect(scene.upstream.requests).toEqual([]);
    }
  });
});

describe('the record of a fetch', () => {
  test('has one entry for each thing that was asked for', async () => {
    const { token } = await scene.issue({ name: 'recorded' });
    const before = (await fetchEntries()).length;
    await scene.client.clone(withCredentials(target.bareUrl, 'agent', token), ['--bare']);
    const entries = (await fetchEntries()).slice(before);
    expect(entries.map(({ action, details }) => [action, details['command'], details['version']])).toEqual([
      ['fetch.served', 'ls-refs', 2],
      ['fetch.served', 'fetch', 2],
    ]);
    for (const entry of entries) {
      expect(entry).toMatchObject({
        repository: 'forge/team/target',
        actor: { id: 'agent:recorded' },
        details: { address: '127.0.0.1' },
      });
      expect(entry.details['userAgent']).toMatch(/^git\//);
    }
  });

  test('in version 0 as well', async () => {
    const before = (await fetchEntries()).length;
    ok(
      await scene.client.git(['-c', 'protocol.version=0', 'clone', '--quiet', '--bare', target.url, 'zero']),
    );
    const entries = (await fetchEntries()).slice(before);
    expect(entries).toMatchObject([{ action: 'fetch.served', details: { command: 'fetch', version: 0 } }]);
  });

  test('is a condition: without it nothing is handed out', async () => {
    const tree = await scene.client.clone(target.url);
    await scene.database.database.query('alter table audit_entry rename to audit_entry_away');
    const refused = await tree.git('fetch', '--refetch');
    await scene.database.database.query('alter table audit_entry_away rename to audit_entry');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/fatal: remote error: forgeguard: .*audit\/unavailable/);
    await expect.poll(async () => (await tree.git('fetch', '--refetch')).code).toBe(0);
  });
});

describe('the ways around the guard', () => {
  const advertise = async (protocol: string): Promise<string> => {
    const response = await fetch(`${target.bareUrl}/info/refs?service=git-upload-pack`, {
      headers: { authorization: scene.authorization, 'git-protocol': protocol },
    });
    return response.text();
  };
  const ask = (body: Uint8Array, protocol = 'version=2'): Promise<RawResponse> =>
    postService(target.bareUrl, 'git-upload-pack', body, {
      authorization: scene.authorization,
      headers: { 'git-protocol': protocol },
    });
  const requestFor = (command: string, ...args: readonly string[]): Uint8Array =>
    Buffer.concat([
      packet(`command=${command}\n`),
      packet('object-format=sha1'),
      Buffer.from('0001'),
      ...args.map((line) => packet(`${line}\n`)),
      flushPacket,
    ]);
  const text = ({ body }: RawResponse): string => Buffer.from(body).toString('latin1');

  test('are not offered', async () => {
    const offer = await advertise('version=2');
    expect(offer).toContain('version 2');
    expect(offer).toMatch(/fetch=.*shallow/);
    expect(offer).not.toMatch(/bundle-uri|packfile-uris|elsewhere/);
    // A packet for each line, and the lengths still right.
    expect(parsePackets(Buffer.from(offer, 'latin1')).at(-1)).toBeNull();
  });

  test('an honest request by hand is answered', async () => {
    const listed = await ask(requestFor('ls-refs', 'peel', 'symrefs'));
    expect(listed.status).toBe(200);
    expect(text(listed)).toContain(`${tip} refs/heads/main`);
    const fetched = await ask(requestFor('fetch', `want ${tip}`, 'done'));
    expect(text(fetched)).toContain('packfile');
  });

  const closed: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['bundle-uri', requestFor('bundle-uri'), /not served here/],
    [
      'packfile-uris',
      requestFor('fetch', 'packfile-uris https', `want ${'a'.repeat(40)}`, 'done'),
      /not served here/,
    ],
    ['a command that is unknown', requestFor('run', 'x'), /not served here/],
    [
      'a second command behind the first',
      Buffer.concat([packet('command=ls-refs\n'), packet('command=bundle-uri\n'), flushPacket]),
      /begins with its one command/,
    ],
    [
      'a second request behind the first',
      Buffer.concat([requestFor('ls-refs'), requestFor('bundle-uri')]),
      /begins with its one command/,
    ],
    ['no command', Buffer.concat([packet('agent=x\n'), flushPacket]), /begins with its one command/],
    ['no packet', Buffer.from('what is this'), /hex digits/],
    ['half a packet', Buffer.from('0040command=fetch'), /ends (after|within)/],
  ];
  test.each(closed)('%s is refused', async (_name, body, says) => {
    for (const protocol of ['version=2', 'version=1:version=2', 'x:version=2:y']) {
      const refused = await ask(body, protocol);
      // git shows what is said in an answer of status 200 only.
      expect(refused.status).toBe(200);
      expect(text(refused)).toMatch(/^[0-9a-f]{4}ERR forgeguard: /);
      expect(text(refused)).toMatch(says);
      const request = requestIn(text(refused));
      expect(request).toBe(refused.headers['x-request-id']);
      expect(await scene.audit(request)).toMatchObject([
        { action: 'fetch.refused', repository: 'forge/team/target', actor: { id: 'agent:worker' } },
      ]);
    }
  });

  test('the dumb protocol is refused in words', async () => {
    const refused = await scene.client.git(['clone', target.url, 'dumb'], { env: { GIT_SMART_HTTP: '0' } });
    expect(refused.code).toBe(128);
    expect(refused.stderr).toMatch(
      /remote: forgeguard: the dumb HTTP protocol is not served \[git\/unsupported\]/,
    );
    expect(refused.stderr).toMatch(/remote: Use smart HTTP/);
    expect((await scene.audit(requestIn(refused.stderr))).at(-1)).toMatchObject({
      action: 'fetch.refused',
      actor: { id: 'agent:worker' },
      details: { code: 'git/unsupported' },
    });
  });

  test('an object is had by its id only as the upstream allows it', async () => {
    const away = await target.repository.git('commit-tree', '-m', 'away', `${tip}^{tree}`);
    await target.repository.git('config', 'uploadpack.allowAnySHA1InWant', 'false');
    // In version 2 stock git hands out whatever it has.
    const refused = await scene.client.git(
      ['-c', 'protocol.version=0', 'fetch', '--quiet', target.url, away],
      {
        cwd: (await scene.client.init(target.url)).directory,
      },
    );
    await target.repository.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/not our ref|unadvertised object/);
  });
});

test('nobody who fetches learns where the upstream is or what opens it', async () => {
  const traced = await scene.client.git(['clone', '--bare', target.url, 'traced'], {
    env: { GIT_TRACE_CURL: '1', GIT_TRACE_PACKET: '1', GIT_TRACE: '1' },
  });
  expect(traced.code).toBe(0);
  const { port } = new URL(scene.upstream.url);
  for (const secret of [`:${port}`, upstreamPassword, basic(upstreamPassword, 'guard').slice(6)]) {
    expect(traced.stderr).not.toContain(secret);
    expect(scene.guard.logs()).not.toContain(secret);
  }
});
