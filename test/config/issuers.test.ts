// What the configuration says about `identity.issuers` that cannot be meant.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../server/config.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function load(issuer: object, ...others: readonly object[]): Promise<Config> {
  await using directory = await temporaryDirectory('issuers');
  const file = join(directory.path, 'forgeguard.yaml');
  await writeFile(file, JSON.stringify({ identity: { issuers: [issuer, ...others] } }));
  return await loadConfig({ file, env: {} });
}

const scopes = [{ repository: 'github/{repository}', verbs: ['fetch', 'push'] }];
const actions = {
  profile: 'github-actions',
  audience: 'https://guard.example',
  rules: [{ when: { repository_id: '1' }, agent: '{repository}', owner: 'human:ada', scopes }],
};
const generic = {
  issuer: 'https://login.example.org',
  audience: ['guard'],
  rules: [{ human: '{sub}', scopes: [{ repository: '**', verbs: ['fetch'] }] }],
};

test('a profile brings what is known about it', async () => {
  const { identity } = await load(actions, generic);
  expect(identity.issuers).toMatchObject([
    {
      issuer: 'https://token.actions.githubusercontent.com',
      keys: { kind: 'discovery' },
      audiences: ['https://guard.example'],
      reuse: 'never',
      clockSkew: 30,
      maxAge: 86_400,
      rules: [{ when: { repository_id: ['1'] }, kind: 'agent', name: '{repository}', owner: 'human:ada' }],
    },
    { issuer: 'https://login.example.org', profile: 'generic', rules: [{ kind: 'human', name: '{sub}' }] },
  ]);
  expect(identity.issuers[0]?.algorithms.filter((name) => name.startsWith('HS'))).toEqual([]);
});

describe('is refused:', () => {
  const rule = actions.rules[0];
  const withRule = (more: object) => ({ ...actions, rules: [{ ...rule, ...more }] });

  test.each<readonly [string, object, RegExp]>([
    [
      'a claim that the profile does not have',
      withRule({ when: { repository_id: '1', job_workflow_reff: 'x' } }),
      /no claim `job_workflow_reff`; did you mean `job_workflow_ref`\?/,
    ],
    ['one in a template', withRule({ agent: '{repositori}' }), /did you mean `repository`\?/],
    [
      'a rule that binds names only',
      withRule({ when: { repository: 'a/b' } }),
      /names one of repository_id, /,
    ],
    ['a glob over ids', withRule({ when: { repository_id: '*' } }), /with its number/],
    ['an algorithm with a shared secret', { ...actions, algorithms: ['HS256'] }, /expected one of RS256/],
    ['no algorithm', { ...actions, algorithms: ['none'] }, /expected one of RS256/],
    ['a rule for two', withRule({ human: '{actor}' }), /exactly one of `agent`, `human` and `workload`/],
    ['an agent of nobody', withRule({ owner: undefined }), /needs an `owner` or `onBehalfOf`/],
    ['a kind inside of the name', withRule({ agent: 'agent:{actor}' }), /its kind is the key/],
    [
      'a scope that is no glob',
      withRule({ scopes: [{ repository: '!x', verbs: ['push'] }] }),
      /cannot begin with "!"/,
    ],
    ['no audience', { ...actions, audience: [] }, /audience/],
    ['an issuer that is none', { ...generic, issuer: 'login' }, /expected a URL as tokens have it/],
    ['no issuer', { ...generic, issuer: undefined }, /the key `issuer` is missing/],
    [
      'http to another machine',
      { ...generic, issuer: 'http://login.example.org' },
      /http to another machine/,
    ],
    ['keys over http', { ...generic, jwksUri: 'http://login.example.org/keys' }, /http to another machine/],
    [
      'two places of keys',
      { ...generic, jwksUri: 'https://a.example/', jwksFile: 'b' },
      /exclude each other/,
    ],
    [
      'a trust domain without keys',
      { ...generic, profile: 'spiffe', issuer: 'spiffe://a' },
      /has no discovery/,
    ],
    [
      'a trust domain of another profile',
      { ...generic, issuer: 'spiffe://a', jwksFile: 'b' },
      /belong together/,
    ],
    ['an unknown key', { ...actions, audiences: 'x' }, /did you mean `audience`\?/],
  ])('%s', async (_what, issuer, message) => {
    await expect(load(issuer)).rejects.toThrow(message);
  });

  test('the same issuer twice', async () => {
    await expect(load(generic, generic)).rejects.toThrow(/is named twice/);
  });
});

test('claims of its own may be named, and others where a profile is open', async () => {
  const own = {
    ...actions,
    claims: ['cost_center'],
    rules: [{ ...actions.rules[0], when: { repository_id: '1', cost_center: 'x' } }],
  };
  expect((await load(own)).identity.issuers).toHaveLength(1);
  const open = { ...generic, rules: [{ ...generic.rules[0], when: { 'urn:example:tenant': 7 } }] };
  expect((await load(open)).identity.issuers[0]?.rules[0]?.when).toEqual({ 'urn:example:tenant': ['7'] });
});

test('keys in the clear are a weakening that is told', async () => {
  const plain = { ...generic, issuer: 'http://login.example.org', dangerouslyAllowPlainHttp: true };
  expect((await load(plain)).weakenings.join()).toMatch(/login\.example\.org are fetched by plain http/);
});
