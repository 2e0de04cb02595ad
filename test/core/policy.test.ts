// Reading a policy: what is accepted, and that what is refused is told with its place and remedy.
/* oxlint-disable unicorn/no-thenable -- `then` is a key of the policy's format */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePolicy, decide } from '../../core/decide.ts';
import { defaultPolicy, defaultPolicyText } from '../../core/default-policy.ts';
import { GuardError } from '../../core/errors.ts';
import { parsePolicy } from '../../core/policy.ts';
import { adviseOn } from '../../core/policy/advice.ts';
import { explainException, explainRule } from '../../core/policy/explain.ts';
import { parseOperation } from '../../core/policy/operation-text.ts';
import { changed, finding, human, push, refUpdate } from './operations.ts';

const now = new Date('2026-11-21T12:00:00Z');

function problemsOf(text: string): string[] {
  try {
    parsePolicy(text, 'p.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(GuardError);
    expect((error as GuardError).code).toBe('policy/invalid');
    return (error as GuardError).message.split('\n');
  }
  return [];
}

describe('a policy that is wrong', () => {
  test('is told everything at once, with line and column', () => {
    const text = `rules:
  - id: a
    when: { brnach: main, operation: psh }
    then: hodl
    extra: 1
  - id: A B
    when:
      ref: [1, 'x{']
      paths: { path: '+(a)', chnge: add }
      findings: { severity: huge, confidence: 2 }
      not: { findings: {} }
    then: { hold: { aprovers: x, count: 2, expires: 24 } }
  - when: {}
exeptions: []
`;
    expect(problemsOf(text)).toEqual([
      'p.yaml:3:13: unknown key `brnach` at rules[0].when; did you mean `ref`?',
      'p.yaml:3:38: expected one of push, merge, publish, log, pull-request, workflow, deploy, api (did you mean push?) at rules[0].when.operation',
      'p.yaml:4:11: expected allow, redact, deny, hold or a mapping `hold: {approvers, count, expires, escalate}` at rules[0].then',
      'p.yaml:5:5: unknown key `extra` at rules[0]; known keys: id, when, then, message, monitor',
      'p.yaml:6:9: an id is written with a-z, 0-9, ".", "_" and "-", at most 100 characters at rules[1].id',
      'p.yaml:8:13: expected a text, but this is a number; put it in quotes at rules[1].when.ref[0]',
      'p.yaml:8:16: "{" has no "}"; write "\\}" for the character itself at rules[1].when.ref[1]'.replace(
        '\\}',
        '\\{',
      ),
      'p.yaml:9:22: extended patterns such as "+(…)" are not supported; write braces: "{a,b}" at rules[1].when.paths.path',
      'p.yaml:9:30: unknown key `chnge` at rules[1].when.paths; did you mean `change`?',
      'p.yaml:10:29: expected one of low, medium, high, critical at rules[1].when.findings.severity',
      'p.yaml:10:47: must be at most 1 at rules[1].when.findings.confidence',
      'p.yaml:12:21: unknown key `aprovers` at rules[1].then.hold; did you mean `approvers`?',
      'p.yaml:12:53: expected a time span such as 30m, 24h or 7d at rules[1].then.hold.expires',
      'p.yaml:13:5: the key `id` is missing at rules[2]',
      'p.yaml:13:5: the key `then` is missing at rules[2]',
      'p.yaml:14:1: unknown key `exeptions`; did you mean `exceptions`?',
    ]);
  });

  test.each([
    ['', /expected a mapping, but this is empty/],
    ['[]', /expected a mapping, but this is a list/],
    ['{}', /`rules` is missing/],
    ['rules: [', /indentation/],
    ['rules: []\nrules: []', /2:1: a key is written twice/],
    ['rules: !x []', /tag/],
    ['rules: []\n---\nrules: []', /one document/],
    ['rules: *nothing', /alias/],
    [`rules: ${'['.repeat(5_000)}`, /nested too deeply/],
    [`rules: ${'['.repeat(100)}${']'.repeat(100)}`, /nested too deeply/],
    [`a: &a [x,x,x,x,x,x,x,x,x,x]\n${manyAliases()}rules: []`, /aliases/],
    [`# ${'x'.repeat(1_048_576)}`, /larger than/],
    ['version: 2\nrules: []', /expected 1/],
    ['rules: [{id: a, when: {}, then: deny}, {id: a, when: {}, then: deny}]', /used twice at rules\[1\].id/],
    ['rules: [{id: a, when: {not: {findings: {}}}, then: deny}]', /write `findings` too/],
    ['rules: [{id: a, when: {}, then: {hold: {approvers: agent:x}}}]', /never an agent/],
    ['rules: [{id: a, when: {}, then: {hold: {approvers: reviewers}}}]', /group:NAME/],
    ['rules: [{id: a, when: {}, then: {hold: {approvers: [human:a, human:b], count: 3}}}]', /only 2 may/],
    ['rules: [{id: a, when: {}, then: {hold: {expires: 60d}}}]', /between 1m and 30d/],
    ['rules: [{id: a, when: {}, then: {hold: {escalate: {to: agent:x, after: 1h}}}}]', /never an agent/],
    [
      'rules: [{id: a, when: {}, then: {hold: {escalate: {to: group:x, after: 24h}}}}]',
      /shorter than `expires`/,
    ],
    ['rules: [{id: a, when: {}, then: {hold: {escalate: {to: group:x}}}}]', /`after` is missing/],
    [
      'rules: [{id: a, when: {}, then: {hold: {escalate: {to: group:reviewers, after: 1h}}}}]',
      /the beginning/,
    ],
    [
      'rules: [{id: a, when: {}, then: {hold: {approvers: human:a, count: 3, escalate: {to: human:b, after: 1h}}}}]',
      /only 2 may/,
    ],
    ['rules: []\nexceptions: [{id: a, path: x, reason: r, owner: o}]', /`expires` is missing/],
    ['rules: []\nexceptions: [{id: a, path: x, reason: r, expires: 2027-01-01}]', /`owner` is missing/],
    ['rules: []\nexceptions: [{id: a, path: x, owner: o, expires: 2027-01-01}]', /`reason` is missing/],
    [
      'rules: []\nexceptions: [{id: a, reason: r, owner: o, expires: 2027-01-01}]',
      /`fingerprint` or a `path`/,
    ],
    [
      'rules: []\nexceptions: [{id: a, path: x, reason: r, owner: o, expires: 2027-02-30}]',
      /expected a date/,
    ],
    ['rules: []\nexceptions: [{id: a, fingerprint: zz, reason: r, owner: o, expires: 2027-01-01}]', /32 hex/],
    [
      `rules: []\nexceptions: [{id: a, fingerprint: ${'1'.repeat(32)}, reason: r, owner: o, expires: 2027-01-01}]`,
      /in quotes/,
    ],
  ])('%.60s', (text, message) => {
    expect(problemsOf(text).join('\n')).toMatch(message);
  });

  test('is never quoted: the text may hold a secret in the wrong place', () => {
    const word = ['hun', 'ter2'].join('');
    for (const text of [
      `rules: "${word}`,
      `rules: ${word}`,
      `{${word}`,
      `rules: !${word} x`,
      `rules: *${word}`,
    ]) {
      expect(problemsOf(text).join('\n')).not.toContain(word);
    }
  });
});

test('no document makes the reader fail in another way', () => {
  const parts = [
    'rules',
    'id',
    'when',
    'then',
    'hold',
    'approvers',
    'paths',
    'ref',
    'not',
    'findings',
    'exceptions',
    'expires',
  ];
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom(null, 1, -1, true, '', 'a', 'deny', 'agent:x', '{', '2027-01-01', 'group:x'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...parts, '__proto__', 'constructor'), tie('any'), { maxKeys: 4 }),
    ),
  })).any;
  const sound = {
    id: 'a',
    when: { paths: 'x', ref: 'y', findings: {}, not: { actor: {} } },
    then: { hold: { approvers: 'group:x' } },
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(sound), 'paths', 'ref', 'findings', 'not', 'approvers', 'count'),
      value,
      (key, wrong) => {
        const rule = structuredClone(sound);
        const holders = [rule, rule.when, rule.then.hold];
        const holder = holders.find((each) => key in each) ?? rule.then.hold;
        Reflect.set(holder, key, wrong);
        problemsOf(JSON.stringify({ rules: [rule] }));
        problemsOf(JSON.stringify(wrong));
      },
    ),
    { numRuns: 500 },
  );
});

function manyAliases(): string {
  return Array.from(
    { length: 6 },
    (_, n) =>
      `${String.fromCodePoint(98 + n)}: &${String.fromCodePoint(98 + n)} [${`*${String.fromCodePoint(97 + n)},`.repeat(9)}]\n`,
  ).join('');
}

test('the digest is the SHA-256 of the text', () => {
  const text = 'rules: []\n';
  expect(parsePolicy(text, 'p').digest).toBe(createHash('sha256').update(text).digest('hex'));
});

test('an exception by date holds to the end of the day, one by time until then', () => {
  const policy = parsePolicy(
    `rules: []
exceptions:
  - { id: a, path: x, reason: r, owner: o, expires: 2027-01-31 }
  - { id: b, path: x, reason: r, owner: o, expires: 2027-01-31T12:00:00+01:00 }`,
    'p',
  );
  expect(policy.exceptions.map(({ expires }) => expires.toISOString())).toEqual([
    '2027-02-01T00:00:00.000Z',
    '2027-01-31T11:00:00.000Z',
  ]);
});

describe('the default policy', () => {
  const compiled = compilePolicy(defaultPolicy());
  const judge = (operation: Parameters<typeof decide>[1]) => {
    const { kind, reasons, monitored } = decide(compiled, operation, now);
    return { kind, rules: reasons.map(({ rule }) => rule), monitored: monitored.map(({ rule }) => rule) };
  };

  test.each([
    ['PHI', { findings: [finding()] }, 'deny', ['phi']],
    ['PHI in a package', { kind: 'publish', refUpdates: [], findings: [finding()] }, 'deny', ['phi']],
    ['PHI by a person', { actor: human, findings: [finding()] }, 'deny', ['phi']],
    ['a secret', { findings: [finding({ category: 'secret', rule: 'secret/x' })] }, 'deny', ['secrets']],
    ['a synthetic value', { findings: [finding({ severity: 'low' })] }, 'allow', []],
    [
      'unscannable content',
      { findings: [finding({ category: 'policy', rule: 'policy/unscannable' })] },
      'deny',
      ['unsafe-content'],
    ],
    [
      'PHI in a log',
      { kind: 'log', refUpdates: [], findings: [finding({ confidence: 0.6 })] },
      'redact',
      ['log-values'],
    ],
    ['a new branch', { refUpdates: [refUpdate('refs/heads/topic', 'create')] }, 'allow', []],
    ['the first branch', { refUpdates: [refUpdate('refs/heads/main', 'create')] }, 'allow', []],
    [
      'the default branch',
      { refUpdates: [refUpdate('refs/heads/main', 'update', true)] },
      'hold',
      ['agent-protected-branch'],
    ],
    [
      'the default branch by a person',
      { actor: human, refUpdates: [refUpdate('refs/heads/main', 'update', true)] },
      'allow',
      [],
    ],
    [
      'a release branch',
      { refUpdates: [refUpdate('refs/heads/release/1.2', 'create')] },
      'hold',
      ['agent-protected-branch'],
    ],
    ['a forced push', { refUpdates: [refUpdate('refs/heads/topic', 'force')] }, 'deny', ['agent-force-push']],
    [
      'a forced push by a person',
      { actor: human, refUpdates: [refUpdate('refs/heads/topic', 'force')] },
      'allow',
      [],
    ],
    ['a deleted tag', { refUpdates: [refUpdate('refs/tags/v1', 'delete')] }, 'deny', ['agent-delete']],
    ['a workflow', { paths: [changed('.github/workflows/ci.yml')] }, 'hold', ['agent-workflows']],
    [
      'a deleted workflow',
      { paths: [changed('.gitlab-ci.yml', { change: 'delete', mode: '000000' })] },
      'hold',
      ['agent-workflows'],
    ],
    ['CODEOWNERS', { paths: [changed('.github/CODEOWNERS')] }, 'hold', ['agent-code-owners']],
    ['a container file', { paths: [changed('api/Dockerfile.prod')] }, 'hold', ['agent-container-files']],
    ['a registry', { paths: [changed('web/.npmrc')] }, 'hold', ['agent-registries']],
    ['a lock file', { paths: [changed('package-lock.json')] }, 'allow', []],
    ['a migration', { paths: [changed('api/db/migrations/0001_a.sql')] }, 'hold', ['agent-migrations']],
    ['infrastructure', { paths: [changed('infra/main.tf')] }, 'hold', ['agent-infrastructure']],
    [
      'a submodule',
      { paths: [changed('lib', { mode: '160000', change: 'add' })] },
      'hold',
      ['agent-submodules'],
    ],
    ['source code', { paths: [changed('src/a.ts')] }, 'allow', []],
  ] as const)('%s: %s', (_what, operation, kind, rules) => {
    expect(judge(push(operation))).toEqual({ kind, rules, monitored: [] });
  });

  test('tells doubtful findings without enforcing', () => {
    expect(judge(push({ findings: [finding({ confidence: 0.6 })] }))).toEqual({
      kind: 'allow',
      rules: [],
      monitored: ['possible-phi-or-secrets'],
    });
    expect(judge(push({ findings: [finding({ confidence: 0.5 })] })).monitored).toEqual([]);
  });

  test('gives no cause for advice and says something in every rule', () => {
    expect(adviseOn(defaultPolicy(), now)).toEqual([]);
    for (const { message } of defaultPolicy().rules) expect(message).toMatch(/\.$/);
    expect(defaultPolicyText.length).toBeLessThan(20_000);
  });
});

test('advice names what is allowed and what has expired', () => {
  const policy = parsePolicy(
    `rules: []
exceptions:
  - { id: old, path: x, reason: r, owner: ada, expires: 2026-01-31 }
  - { id: soon, path: x, reason: r, owner: ada, expires: 2026-11-25 }
  - { id: long, path: x, reason: r, owner: ada, expires: 2030-01-31 }`,
    'p',
  );
  expect(adviseOn(policy, now)).toEqual([
    'a push with protected health information is allowed',
    'a push with credentials is allowed',
    'a push with content that could not be checked is allowed',
    'the exception old has expired; remove it or ask ada to renew it',
    'the exception soon of ada expires in 4 days',
    'the exception long of ada holds for more than a year',
  ]);
});

test('rules and exceptions are told in sentences', () => {
  const policy = parsePolicy(
    `rules:
  - id: a
    when:
      operation: push
      ref: [main, 'refs/tags/**']
      findings: { category: phi, confidence: 0.6 }
      size: { bytes: 1MiB }
      not: { findings: { confidence: 0.85 } }
    then: { hold: { approvers: [group:r, human:ada], count: 2, expires: 90m, escalate: { to: [group:l, human:b], after: 1h } } }
exceptions:
  - { id: x, path: 'fixtures/**', reason: made up, owner: ada, expires: 2027-01-31 }`,
    'p',
  );
  expect(policy.rules.map(explainRule)).toEqual([
    'holds for 2 approvals by group:r or human:ada, after 1 hour also by group:l or human:b, within 90 minutes where the operation is push, and a ref matches main or refs/tags/**, and there is a finding with category phi and confidence 0.6 or more, and it has more than 1 MiB; except findings with confidence 0.85 or more.',
  ]);
  expect(policy.exceptions.map(explainException)).toEqual([
    'excuses a finding where its path matches fixtures/**, until 2027-02-01T00:00Z; ada: made up',
  ]);
});

test('an operation to try a policy with may leave out almost everything', () => {
  const operation = parseOperation(
    '{kind: push, refUpdates: [{ref: refs/heads/a}], paths: [x, {path: y, mode: "160000"}]}',
    'op',
  );
  expect(operation).toMatchObject({
    actor: { kind: 'agent' },
    paths: [
      { path: 'x', ref: 'refs/heads/a', mode: '100644' },
      { path: 'y', ref: 'refs/heads/a', mode: '160000' },
    ],
  });
  expect(() => parseOperation('{kind: psh}', 'op')).toThrow(
    /op:1:8: expected one of push.*did you mean push/,
  );
});

test('the example in the documentation is a policy without problems', async () => {
  const text = await readFile(new URL('../../docs/policy.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, example = '']) => example);
  const [operation = ''] = examples.filter((example) => example.startsWith('kind:'));
  expect(parseOperation(operation, 'docs/policy.md')).toMatchObject({ kind: 'push', paths: { length: 2 } });
  const whole = examples.filter((example) => /^rules:/m.test(example));
  expect(whole.length).toBeGreaterThan(0);
  for (const example of whole) expect(parsePolicy(example, 'docs/policy.md').rules.length).toBeGreaterThan(0);
});
