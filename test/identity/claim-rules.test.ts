// From the claims of each profile to whom they stand for; and what users of an issuer cannot smuggle in by them.
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../../core/identity-refusal.ts';
import { createClaimMapper } from '../../server/identity/claim-rules.ts';
import type { Claims } from '../../server/claim-template.ts';
import type { ClaimRule, IssuerConfig } from '../../server/issuer-types.ts';
import { issuerConfig, usualRule } from '../support/identity-bench.ts';

const map = (config: Partial<IssuerConfig>, claims: Claims) =>
  createClaimMapper(issuerConfig('https://issuer.example', config))(claims);

function refusal(config: Partial<IssuerConfig>, claims: Claims): string {
  try {
    map(config, claims);
    return 'accepted';
  } catch (error) {
    return refusalOf(error)?.reason ?? 'another error';
  }
}

const rule = (more: Partial<ClaimRule>): ClaimRule => ({ ...usualRule, when: {}, ...more });

describe('GitHub Actions', () => {
  const claims = {
    sub: 'repo:octo-org/octo-repo:ref:refs/heads/main',
    repository: 'octo-org/octo-repo',
    repository_id: '74',
    repository_owner_id: '65',
    event_name: 'push',
    actor: 'ada',
    ref: 'refs/heads/main',
  };
  const config: Partial<IssuerConfig> = {
    profile: 'github-actions',
    rules: [
      rule({
        when: { repository_id: ['74'], ref: ['refs/heads/*'] },
        name: 'actions/{repository}',
        onBehalfOf: ['human:{actor}'],
        scopes: [{ repository: 'github/{repository}', verbs: ['push'], refs: ['{ref}'] }],
      }),
    ],
  };

  test('in both forms of the subject, and with one of its own', () => {
    for (const sub of [
      claims.sub,
      'repo:octo-org@65/octo-repo@74:ref:refs/heads/main',
      'repo:octo-org@65/octo-repo@74:environment:production',
      'job_workflow_ref:octo-org/x/.github/workflows/y.yml@refs/heads/main',
    ])
      expect(map(config, { ...claims, sub })).toMatchObject({
        id: 'agent:actions/octo-org/octo-repo',
        owner: 'human:ada',
        scopes: [{ repository: 'github/octo-org/octo-repo', verbs: ['push'], refs: ['refs/heads/main'] }],
      });
  });

  test('whose subject says something else than its claims is refused', () => {
    for (const sub of [
      'repo:octo-org@66/octo-repo@74:ref:refs/heads/main',
      'repo:octo-org@65/octo-repo@75:ref:refs/heads/main',
      'repo:octo-org/other:ref:refs/heads/main',
    ])
      expect(refusal(config, { ...claims, sub })).toBe('claims-inconsistent');
  });

  test('of another repository, another ref, or for a pull request of strangers is no match', () => {
    expect(refusal(config, { ...claims, repository_id: '75' })).toBe('no-rule');
    expect(refusal(config, { ...claims, repository_id: '740' })).toBe('no-rule');
    expect(refusal(config, { ...claims, ref: 'refs/heads/a/b' })).toBe('no-rule');
    expect(refusal(config, { ...claims, event_name: 'pull_request_target' })).toBe('no-rule');
    const [first = usualRule] = config.rules ?? [];
    const named = { ...first, when: { ...first.when, event_name: ['push', 'pull_request_target'] } };
    expect(refusal({ ...config, rules: [named] }, { ...claims, event_name: 'pull_request_target' })).toBe(
      'accepted',
    );
  });
});

test('Kubernetes: namespace, account and pod are told from the claim that the cluster makes', () => {
  const config: Partial<IssuerConfig> = {
    profile: 'kubernetes',
    rules: [rule({ when: { namespace: ['agents'] }, name: '{namespace}/{serviceaccount}' })],
  };
  const account = {
    namespace: 'agents',
    serviceaccount: { name: 'coder', uid: 'u1' },
    pod: { name: 'p', uid: 'u2' },
  };
  const claims = { sub: 'system:serviceaccount:agents:coder', 'kubernetes.io': account };
  expect(map(config, claims)).toMatchObject({
    id: 'agent:agents/coder',
    claims: { pod: 'p', pod_uid: 'u2' },
  });
  expect(refusal(config, { ...claims, sub: 'system:serviceaccount:agents:admin' })).toBe(
    'claims-inconsistent',
  );
  expect(refusal(config, { sub: claims.sub, namespace: 'agents' })).toBe('claims-inconsistent');
});

test('an e-mail address counts only where the issuer has verified it', () => {
  const config: Partial<IssuerConfig> = {
    rules: [rule({ when: { email: ['*@example.org'] }, kind: 'human', name: '{email}' })],
  };
  const claims = { sub: 'x', email: 'ada@example.org' };
  expect(map(config, claims)).toMatchObject({ id: 'human:ada@example.org' });
  expect(refusal(config, { ...claims, email_verified: false })).toBe('no-rule');
  expect(refusal({ ...config, profile: 'google' }, claims)).toBe('no-rule');
  expect(refusal({ ...config, profile: 'google' }, { ...claims, email_verified: true })).toBe('accepted');
});

describe('a value of a claim', () => {
  const naming: Partial<IssuerConfig> = {
    rules: [
      rule({
        name: '{who}',
        scopes: [{ repository: 'forge/{where}/*', verbs: ['push'], refs: ['refs/heads/{where}/**'] }],
      }),
    ],
  };

  test.each(['*', '**', '{a,b}', 'a b', 'a\nb', '!x', '[ab]', '\\', 'a:b', 'é', '', 'x'.repeat(201)])(
    'cannot be %j in a scope',
    (where) => {
      expect(refusal(naming, { who: 'bot', where })).toBe('claim-missing');
    },
  );

  test.each(['agent:x y', '../x', '.', '/x', 'a\u0000', '*'])('cannot be %j in a name', (who) => {
    expect(refusal(naming, { who, where: 'team' })).toBe('claim-missing');
  });

  test('that is absent, an object or a list where one is needed makes the token useless', () => {
    for (const who of [undefined, null, {}, [], ['a', 'b'], [['a']]])
      expect(refusal(naming, { who, where: 'team' })).toBe('claim-missing');
    expect(map(naming, { who: 42, where: 'team' })).toMatchObject({ id: 'agent:42' });
  });

  test('that is a list gives a scope and a group for each of its members', () => {
    const config: Partial<IssuerConfig> = {
      rules: [
        rule({
          groups: ['{roles.all}', 'ci'],
          scopes: [{ repository: 'forge/{teams}/*', verbs: ['fetch'] }],
        }),
      ],
    };
    expect(map(config, { roles: { all: ['Release Managers', 'dev'] }, teams: ['a', 'b'] })).toMatchObject({
      groups: ['Release Managers', 'dev', 'ci'],
      scopes: [
        { repository: 'forge/a/*', verbs: ['fetch'] },
        { repository: 'forge/b/*', verbs: ['fetch'] },
      ],
    });
    expect(refusal(config, { teams: ['a', '*'] })).toBe('claim-missing');
    expect(map(config, { teams: 'a' }).groups).toEqual(['ci']);
  });

  test('is not found on the prototype', () => {
    expect(refusal({ rules: [rule({ when: { 'constructor.name': ['Object'] } })] }, {})).toBe('no-rule');
    expect(refusal({ rules: [rule({ name: '{toString}' })] }, {})).toBe('claim-missing');
  });
});

test('the first rule that matches decides', () => {
  const rules = [rule({ when: { groups: ['a', 'b'] }, name: 'first' }), rule({ name: 'second' })];
  expect(map({ rules }, { groups: ['x', 'b'] })).toMatchObject({ id: 'agent:first', rule: 0 });
  expect(map({ rules }, { groups: [] })).toMatchObject({ id: 'agent:second', rule: 1 });
});

describe('who acts for a subject', () => {
  const both = rule({ name: '{act.sub}', onBehalfOf: ['human:{sub}'] });

  test('is who the token stands for, where the rule names it', () => {
    expect(map({ rules: [both] }, { sub: 'ada', act: { sub: 'bot' } })).toMatchObject({
      id: 'agent:bot',
      delegation: [{ id: 'human:ada', proof: 'named' }],
      owner: 'human:ada',
    });
  });

  test('is never overlooked, at any depth', () => {
    const human = rule({ kind: 'human', name: '{sub}' });
    expect(refusal({ rules: [human] }, { sub: 'ada', act: { sub: 'bot' } })).toBe('delegated');
    expect(refusal({ rules: [human] }, { sub: 'ada', act: 'bot' })).toBe('delegated');
    expect(refusal({ rules: [both] }, { sub: 'ada', act: { sub: 'bot', act: { sub: 'other' } } })).toBe(
      'delegated',
    );
    const three = rule({ name: '{act.sub}', onBehalfOf: ['agent:{act.act.sub}', 'human:{sub}'] });
    expect(map({ rules: [three] }, { sub: 'ada', act: { sub: 'bot', act: { sub: 'other' } } })).toMatchObject(
      {
        id: 'agent:bot',
        delegation: [{ id: 'agent:other' }, { id: 'human:ada' }],
      },
    );
  });
});
