// `forgeguard`, its failures, and `forgeguard policy`.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultPolicy, defaultPolicyText } from '../../core/default-policy.ts';
import type { Run } from '../support/run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';
import { forgeguard } from './program.ts';

let directory: TemporaryDirectory;
beforeAll(async () => {
  directory = await temporaryDirectory('cli-policy');
});
afterAll(() => directory.remove());

const fg = (...args: string[]): Promise<Run> => forgeguard(directory.path, args);
const put = (name: string, text: string): Promise<void> => writeFile(join(directory.path, name), text);

describe('the program', () => {
  test('tells its commands and version', async () => {
    const help = await fg('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['serve', 'scan', 'policy', 'token', 'audit', 'doctor']) {
      expect(help.stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
    expect((await fg('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [['polcy'], /Did you mean policy/],
    [['policy', 'chek'], /Did you mean check/],
    [['policy', 'test'], /--operation/],
    [['policy', 'check', '--unknown'], /unknown option/],
  ])('wrong usage %j ends with 2', async (args, message) => {
    const result = await fg(...args);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  test('help of a command is not an error', async () => {
    expect(await fg('policy', '--help')).toMatchObject({ code: 0, stderr: '' });
    expect((await fg('help', 'policy')).stdout).toMatch(/explain/);
  });
});

describe('policy check', () => {
  test('knows the default policy', async () => {
    expect(await fg('policy', 'check')).toMatchObject({
      code: 0,
      stdout: `ok    default policy: 21 rules, 0 exceptions, sha256 ${defaultPolicy().digest}\n`,
      stderr: '',
    });
  });

  test('reads the policy that the configuration names', async () => {
    await put('mine.yaml', 'rules: []\n');
    await put('mine-config.yaml', 'policyFile: mine.yaml\n');
    const { code, stdout } = await fg('policy', 'check', '--config', 'mine-config.yaml');
    expect(code).toBe(0);
    expect(stdout).toMatch(/mine\.yaml: 0 rules/);
    expect(stdout).toContain('warn  a push with protected health information is allowed\n');
  });

  test('tells what is wrong in one block, without a stack', async () => {
    await put('wrong.yaml', 'rules:\n  - id: a\n    when: { brnach: main }\n    then: deny\n');
    expect(await fg('policy', 'check', 'wrong.yaml')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `forgeguard: wrong.yaml:3:13: unknown key \`brnach\` at rules[0].when; did you mean \`ref\`?
  what to do: Correct the named key of the policy; \`forgeguard policy check\` tells more.
  code: policy/invalid
`,
    });
    const missing = await fg('policy', 'check', 'missing.yaml');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/^forgeguard: couldn't read the policy missing\.yaml \(ENOENT\)\n/);
    expect(missing.stderr).not.toMatch(/ at .*\.ts/);
  });
});

describe('policy test', () => {
  test('tells the verdict and compares it', async () => {
    await put('op.yaml', 'kind: push\npaths: [.github/workflows/ci.yml]\nfindings: [{ category: phi }]\n');
    const result = await fg('policy', 'test', '--operation', 'op.yaml', '--expect', 'deny');
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/^verdict: deny\n {2}phi \(deny\): .*\n {2}agent-workflows \(hold\): /);
    const other = await fg(
      'policy',
      'test',
      '--operation',
      'op.yaml',
      '--expect',
      'hold',
      '--format',
      'json',
    );
    expect(other.code).toBe(1);
    expect(JSON.parse(other.stdout)).toMatchObject({ kind: 'deny', policyDigest: defaultPolicy().digest });
  });

  test('tells what is wrong with the operation', async () => {
    await put('wrong-op.json', '{"kind": "psh"}');
    const result = await fg('policy', 'test', '--operation', 'wrong-op.json');
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /wrong-op\.json:1:10: expected one of .*did you mean push.*\n.*\n {2}code: input\/invalid\n$/,
    );
    expect((await fg('policy', 'test', '--operation', 'none')).stderr).toMatch(/code: input\/unreadable/);
  });
});

test('policy explain tells each rule, and policy default prints the text', async () => {
  const { stdout } = await fg('policy', 'explain');
  for (const { id } of defaultPolicy().rules) expect(stdout).toContain(`\n- ${id}: `);
  expect((await fg('policy', 'default')).stdout).toBe(defaultPolicyText);
});
