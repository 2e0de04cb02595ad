// `forgeguard scan` as a user runs it: exit codes, the three formats, and what a change is responsible for.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isolatedGitEnvironment, run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { glue, ssn } from '../scanners/values.ts';
import { forgeguard } from './program.ts';

const other = glue('536-22-', '1880');

describe('forgeguard scan', () => {
  test('says 0 for clean files, 1 for findings, 2 where it cannot scan', async () => {
    await using directory = await temporaryDirectory('scan');
    await writeFile(join(directory.path, 'clean.txt'), 'nothing\n');
    await writeFile(join(directory.path, 'found.txt'), `ssn: ${ssn}\n`);
    expect(await forgeguard(directory.path, ['scan', 'clean.txt'])).toMatchObject({ code: 0 });
    const found = await forgeguard(directory.path, ['scan']);
    expect(found).toMatchObject({ code: 1 });
    expect(found.stdout).toContain('found.txt:1:6: critical phi/ssn');
    expect(found.stdout).not.toContain(ssn);
    const missing = await forgeguard(directory.path, ['scan', 'nowhere']);
    expect(missing).toMatchObject({ code: 2 });
    expect(missing.stderr).toContain('input/unreadable');
    expect(await forgeguard(directory.path, ['scan', '--staged', '--stdin'])).toMatchObject({ code: 2 });
  });

  test('prints one JSON object', async () => {
    await using directory = await temporaryDirectory('scan');
    await mkdir(join(directory.path, 'deep'));
    await writeFile(join(directory.path, 'deep', 'é.txt'), `x\nÄ ssn: ${ssn}\n`);
    const { stdout } = await forgeguard(directory.path, ['scan', '--format', 'json', 'deep']);
    const anyText: unknown = expect.any(String);
    const digest: unknown = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(JSON.parse(stdout)).toEqual({
      version: anyText,
      files: 1,
      bytes: 22,
      findings: [
        {
          rule: 'phi/ssn',
          category: 'phi',
          identifier: 'ssn',
          severity: 'critical',
          confidence: 0.97,
          path: 'deep/é.txt',
          line: 2,
          column: 8,
          endLine: 2,
          endColumn: 19,
          byteStart: 10,
          byteEnd: 21,
          masked: '***-**-****',
          fingerprint: digest,
          message: anyText,
        },
      ],
    });
  });

  test('prints SARIF 2.1.0', async () => {
    await using directory = await temporaryDirectory('scan');
    await writeFile(join(directory.path, 'a b.txt'), `ssn: ${ssn}\n`);
    const { stdout } = await forgeguard(directory.path, ['scan', '--format', 'sarif', 'a b.txt']);
    const log: unknown = JSON.parse(stdout);
    expect(log).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'Forgeguard', rules: [{ id: 'phi/ssn' }] } },
          results: [
            {
              ruleId: 'phi/ssn',
              ruleIndex: 0,
              level: 'error',
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: 'a%20b.txt' },
                    region: { startLine: 1, startColumn: 6, endLine: 1, endColumn: 17 },
                  },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test('tells of a change only what the change adds', async () => {
    await using directory = await temporaryDirectory('scan');
    const git = async (...args: readonly string[]) => {
      const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false'];
      const { code } = await run('git', [...identity, ...args], {
        cwd: directory.path,
        env: isolatedGitEnvironment(directory.path),
      });
      expect(code).toBe(0);
    };
    const file = join(directory.path, 'a.txt');
    await git('init', '-q');
    await writeFile(file, `old: ssn: ${ssn}\n`);
    await git('add', '.');
    await git('commit', '-qm', 'first');
    await writeFile(file, `old: ssn: ${ssn}\nnew: ssn: ${other}\n`);
    await git('add', '.');
    const staged = await forgeguard(directory.path, ['scan', '--staged']);
    expect(staged.code).toBe(1);
    expect(staged.stdout.match(/phi\/ssn/g)).toHaveLength(1);
    expect(staged.stdout).toContain('a.txt:2:');
    await git('commit', '-qm', `for ssn ${other}`);
    const diff = await forgeguard(directory.path, ['scan', '--diff', 'HEAD~1..HEAD']);
    expect(diff.stdout).toMatch(/^commit [0-9a-f]{12}:1:9: critical phi\/ssn/m);
    expect(diff.stdout).toContain('a.txt:2:');
    expect((await forgeguard(directory.path, ['scan', '--diff', 'HEAD..HEAD'])).code).toBe(0);
    expect((await forgeguard(directory.path, ['scan', '--diff', 'nonsense'])).code).toBe(2);
  });

  test('asks a policy whether to refuse', async () => {
    await using directory = await temporaryDirectory('scan');
    await writeFile(join(directory.path, 'a.txt'), `ssn: ${ssn}\n`);
    const policy = (then: string) =>
      `version: 1\nrules:\n  - id: phi\n    when: { findings: { category: phi } }\n    then: ${then}\n`;
    await writeFile(join(directory.path, 'deny.yaml'), policy('deny'));
    await writeFile(join(directory.path, 'allow.yaml'), policy('allow'));
    expect(await forgeguard(directory.path, ['scan', '--policy', 'deny.yaml', 'a.txt'])).toMatchObject({
      code: 1,
    });
    expect(await forgeguard(directory.path, ['scan', '--policy', 'allow.yaml', 'a.txt'])).toMatchObject({
      code: 0,
    });
  });
});
