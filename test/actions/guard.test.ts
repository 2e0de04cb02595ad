// The Action with a guard: a real one, an issuer that answers as GitHub's, the policy of the guard, and its audit log.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkToGuard } from '../../actions/guard-link.ts';
import { isSafeAddress } from '../../actions/guard-request.ts';
import { makeWorkTree, type WorkTree } from '../cli/work-tree.ts';
import { glue, ssn } from '../scanners/values.ts';
import { freePort } from '../support/free-port.ts';
import { type GuardedForge, startGuardedForge } from '../support/guarded-forge.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import { pullRequest, runStep, type StepResult } from './runner.ts';

const audience = 'https://guard.example';
const repository = 'forge/team/app';
const repositoryId = '186853002';
const requestToken = ['request', 'token', 'of', 'the', 'job'].join('-');
const policy = [
  'rules:',
  '  - id: no-patients',
  '    when: { operation: push, findings: { category: phi } }',
  '    then: deny',
  '    message: No patients, says the guard.',
  '',
].join('\n');
const lenient = 'rules:\n  - { id: fine, when: { operation: push }, then: allow }\n';

let issuer: TestIssuer;
let forge: GuardedForge;
let tree: WorkTree;
let head: string;
let base: string;
const made: string[] = [];
let claims: Readonly<Record<string, string>>;

// As GitHub answers a job that asks for its identity.
const github = createServer((request, response) => {
  const url = new URL(request.url ?? '', 'http://127.0.0.1');
  if (request.headers.authorization !== `Bearer ${requestToken}`)
    return void response.writeHead(401).end('{}');
  const all = { ...claims, aud: url.searchParams.get('audience') ?? '', jti: `job-${made.length}` };
  const answer = async (): Promise<void> => {
    const value = await issuer.token({ claims: all });
    made.push(value);
    response.end(JSON.stringify({ count: 1, value }));
  };
  answer().catch(() => response.destroy());
});

beforeAll(async () => {
  issuer = await startIssuer();
  const rule = {
    when: { repository_id: repositoryId, event_name: 'pull_request' },
    workload: 'actions/{repository}',
    onBehalfOf: 'human:{actor}',
    scopes: [{ repository, verbs: ['log'] }],
  };
  const trusted = { profile: 'github-actions', issuer: issuer.url, audience, rules: [rule] };
  forge = await startGuardedForge({ config: { identity: { issuers: [trusted] } }, policy });
  await new Promise<void>((resolve) => github.listen(0, '127.0.0.1', resolve));
  tree = await makeWorkTree();
  base = await tree.commit('one', { 'policy.yaml': lenient });
  head = await tree.commit('two', { 'a.txt': `ssn: ${ssn}\n` });
  claims = {
    sub: 'repo:Codertocat/Hello-World:pull_request',
    repository: 'Codertocat/Hello-World',
    repository_id: repositoryId,
    repository_owner_id: '21031067',
    event_name: 'pull_request',
    actor: 'octocat',
    run_id: '9876',
    run_attempt: '1',
    sha: head,
  };
});
afterAll(async () => {
  await new Promise((resolve) => void github.close(resolve));
  await tree?.[Symbol.asyncDispose]();
  await forge?.[Symbol.asyncDispose]();
  await issuer?.[Symbol.asyncDispose]();
});

const identity = () => ({
  ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(github.address() as AddressInfo).port}/token?api-version=2`,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
});

function run(
  inputs: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = identity(),
  payload: unknown = pullRequest(base, head),
): Promise<StepResult> {
  const given = {
    'guard-url': forge.guard.url,
    'guard-audience': audience,
    repository,
    policy: 'policy.yaml',
  };
  return runStep({
    workspace: tree.path,
    event: 'pull_request',
    payload,
    inputs: { ...given, ...inputs },
    env,
  });
}

const reported = async () => (await forge.audit()).filter(({ action }) => action === 'scan.reported');

describe('a job with an identity', () => {
  test("is judged by the guard's policy, and the log has who ran it and what was found", async () => {
    const result = await run();
    expect(result.code, result.log).toBe(1);
    expect(result.summary).toContain('No patients');
    const entry = (await reported()).at(-1);
    expect(entry).toMatchObject({
      request: result.outputs['record'],
      repository,
      actor: {
        kind: 'workload',
        id: 'workload:actions/Codertocat/Hello-World',
        onBehalfOf: ['human:octocat'],
      },
      details: {
        result: 'failed',
        mode: 'diff',
        event: 'pull_request',
        commit: head,
        base,
        policyDigest: result.outputs['policy-digest'],
        reportDigest: result.outputs['digest'],
        failing: 1,
        findingCount: Number(result.outputs['findings']),
        unscanned: 0,
      },
    });
    expect(entry?.details['findings']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ rule: 'phi/ssn', path: 'a.txt', line: 1, level: 'error' }),
      ]),
    );
    // The session that reported was opened for this run, by its verified claims.
    const opened = (await forge.audit()).find(
      ({ action, request }) => action === 'session.opened' && request === entry?.actor?.session,
    );
    expect(opened?.details['claims']).toMatchObject({
      repository_id: repositoryId,
      run_id: '9876',
      sha: head,
    });
    for (const value of [ssn, requestToken, ...made]) {
      expect(result.everything).not.toContain(value);
      expect(JSON.stringify(await forge.audit())).not.toContain(value);
    }
    expect(result.everything).not.toMatch(/eyJ|fgs_/);
  });

  test('that the guard does not know, or cannot reach, never passes', async () => {
    const before = (await reported()).length;
    const known = claims;
    claims = { ...known, repository_id: '1' };
    const unknown = await run({ 'fail-on': 'none' });
    claims = known;
    expect([unknown.code, unknown.outputs], unknown.log).toEqual([2, { result: 'error' }]);
    expect(unknown.log).toContain('gave no session');
    const wrong = await run({ 'fail-on': 'none', 'guard-audience': 'https://elsewhere.example' });
    expect(wrong.code).toBe(2);
    const other = await run({ 'fail-on': 'none', repository: 'forge/team/other' });
    expect(other.code).toBe(2);
    const away = await run({ 'fail-on': 'none', 'guard-url': `http://127.0.0.1:${await freePort()}` });
    expect([away.code, away.outputs], away.log).toEqual([2, { result: 'error' }]);
    for (const { everything } of [unknown, wrong, other, away]) expect(everything).not.toMatch(/eyJ|fgs_/);
    expect(await reported()).toHaveLength(before);
  });
});

test('without an identity a job fails, and the pull request of a fork is judged by its target', async () => {
  const missing = await run({}, {});
  expect([missing.code, missing.log]).toEqual([2, expect.stringContaining('id-token: write')]);
  const before = (await reported()).length;
  const payload = pullRequest(base, head);
  const given = payload['pull_request'] as Readonly<Record<string, object>>;
  const fork = { ...payload, pull_request: { ...given, head: { ...given['head'], repo: { id: 5 } } } };
  const result = await run({}, {}, fork);
  expect([result.code, result.outputs['record']], result.log).toEqual([0, '']);
  expect(result.summary).toContain('no identity');
  expect(await reported()).toHaveLength(before);
});

describe('the API', () => {
  const report = () => ({
    repository,
    result: 'failed',
    mode: 'diff',
    event: 'push',
    commit: head,
    base: null,
    policyDigest: '0'.repeat(64),
    reportDigest: '0'.repeat(64),
    ...{ files: 1, bytes: 1, findingCount: 0, failing: 0, excused: 0, unscanned: 0 },
    findings: [],
  });
  const post = async (token: string, body: object): Promise<number> => {
    const answer = await fetch(`${forge.guard.url}/api/v1/scans`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await answer.body?.cancel();
    return answer.status;
  };
  const policyStatus = async (token: string): Promise<number> => {
    const url = `${forge.guard.url}/api/v1/policy?repository=${encodeURIComponent(repository)}`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    await answer.body?.cancel();
    return answer.status;
  };

  test('takes what has no place for a value, from those who may', async () => {
    const { token } = await forge.issue({ verbs: ['log'] });
    const value = glue('536-22-', '1880');
    expect(await post(token, report())).toBe(200);
    expect(await policyStatus(token)).toBe(200);
    const finding = {
      ...{
        rule: 'phi/ssn',
        category: 'phi',
        severity: 'high',
        confidence: 1,
        path: 'a',
        line: 1,
        level: 'error',
      },
      fingerprint: '0'.repeat(32),
    };
    expect(await post(token, { ...report(), findings: [finding] })).toBe(200);
    for (const wrong of [
      { ...report(), value },
      { ...report(), findings: [{ ...finding, match: value }] },
      { ...report(), findings: [{ ...finding, rule: value.toUpperCase() + ' ' }] },
      { ...report(), findings: Array.from({ length: 201 }, () => finding) },
      { ...report(), commit: 'HEAD' },
    ])
      expect(await post(token, wrong)).toBe(400);
    expect(
      await post(token, { ...report(), findings: [{ ...finding, path: 'x'.repeat(1024 * 1024) }] }),
    ).toBe(400);
    expect(JSON.stringify(await forge.audit())).not.toContain(value);
    const { token: pusher } = await forge.issue({ verbs: ['fetch', 'push'] });
    expect([await post(pusher, report()), await policyStatus(pusher)]).toEqual([403, 403]);
    const { token: elsewhere } = await forge.issue({ verbs: ['log'], repository: 'forge/other/*' });
    expect([await post(elsewhere, report()), await policyStatus(elsewhere)]).toEqual([403, 403]);
  });
});

describe('credentials', () => {
  test.each([
    ['https://guard.example', true],
    ['http://127.0.0.1:8080', true],
    ['http://localhost', true],
    ['http://guard.example', false],
    ['http://127.evil.example', false],
    ['https://user:word@guard.example', false],
    ['ftp://guard.example', false],
    ['guard.example', false],
  ])('go to %s: %s', (address, expected) => {
    expect(isSafeAddress(address)).toBe(expected);
  });

  test('do not follow a redirect', async () => {
    const seen: string[] = [];
    const trap = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
    await expect(linkToGuard(identity(), { url, audience, repository }).policy()).rejects.toThrow(
      /gave no session \(307\)/,
    );
    expect(seen).toEqual(['/oauth/token']);
    await new Promise((resolve) => void trap.close(resolve));
  });
});
