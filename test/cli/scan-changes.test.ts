// `forgeguard scan --staged` and `--diff`: what a change is responsible for, and what it cannot hide.
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { glue, ssn } from '../scanners/values.ts';
import { makeWorkTree } from './work-tree.ts';

const other = glue('536-22-', '1880');
const third = glue('536-22-', '1881');

function told(stdout: string): readonly string[] {
  return [...stdout.matchAll(/^(\S.*?):(\d+):\d+: /gm)].map(([, path, line]) => `${path}:${line}`);
}

describe('forgeguard scan --staged', () => {
  test('tells what is staged and nothing that stood there or is not staged', async () => {
    await using tree = await makeWorkTree();
    await tree.commit('first', { 'a.txt': `old: ssn: ${ssn}\n`, 'b.txt': `old: ssn: ${ssn}\n` });
    await tree.write({ 'a.txt': `old: ssn: ${ssn}\nnew: ssn: ${other}\n`, 'new.txt': `ssn: ${third}\n` });
    await tree.git('add', '.');
    await tree.write({ 'b.txt': `ssn: ${other}\n` });
    const { code, stdout } = await tree.forgeguard('scan', '--staged');
    expect(told(stdout)).toEqual(['a.txt:2', 'new.txt:1']);
    expect(code).toBe(1);
  });

  test('reads the text of links and the names of files', async () => {
    await using tree = await makeWorkTree();
    await symlink(`/home/ssn: ${ssn}`, join(tree.path, 'link'));
    await tree.write({ [`ssn ${other}.txt`]: 'nothing\n' });
    await tree.git('add', '.');
    expect(told((await tree.forgeguard('scan', '--staged')).stdout)).toEqual(['file names:2', 'link:1']);
  });

  test('masks names of files that hold a value', async () => {
    await using tree = await makeWorkTree();
    await tree.write({ [`scans/ssn ${other}.txt`]: `ssn: ${ssn}\n` });
    await tree.git('add', '.');
    for (const format of ['text', 'json', 'sarif']) {
      const { stdout, stderr } = await tree.forgeguard('scan', '--staged', '--format', format);
      expect(stdout.replaceAll('%20', ' ')).toContain('scans/ssn ***.txt');
      expect(stdout + stderr).not.toContain(other);
    }
  });

  test('is not led astray by the configuration of the repository', async () => {
    await using tree = await makeWorkTree();
    await tree.write({ '.gitattributes': '*.txt diff=quiet\n' });
    await tree.commit('first', { 'a.txt': 'old\nold\nold\nold\n' });
    for (const [key, value] of [
      ['diff.quiet.command', 'touch external'],
      ['diff.quiet.textconv', 'touch textconv'],
      ['core.fsmonitor', 'touch monitor'],
      ['diff.interHunkContext', '9'],
      ['color.diff', 'always'],
      ['diff.noprefix', 'true'],
    ] as const)
      await tree.git('config', key, value);
    await tree.write({ 'a.txt': `new\nold\nold\nssn: ${ssn}\n` });
    await tree.git('-c', 'core.fsmonitor=false', 'add', '.');
    expect(told((await tree.forgeguard('scan', '--staged')).stdout)).toEqual(['a.txt:4']);
    const untracked = await tree.git('-c', 'core.fsmonitor=false', 'ls-files', '--others');
    expect(untracked).toBe('');
  });
});

describe('forgeguard scan --diff', () => {
  test('tells messages and added lines of a range', async () => {
    await using tree = await makeWorkTree();
    await tree.commit('first', { 'a.txt': `old: ssn: ${ssn}\n` });
    const commit = await tree.commit(`for ssn ${other}`, {
      'a.txt': `old: ssn: ${ssn}\nnew: ssn: ${other}\n`,
    });
    const { code, stdout } = await tree.forgeguard('scan', '--diff', 'HEAD~1..HEAD');
    expect(told(stdout)).toEqual([`commit ${commit.slice(0, 12)}:1`, 'a.txt:2']);
    expect(code).toBe(1);
    expect(await tree.forgeguard('scan', '--diff', 'HEAD..HEAD')).toMatchObject({ code: 0 });
    for (const range of ['nonsense', 'HEAD~1..nowhere', '--output=x..HEAD', '..'])
      expect((await tree.forgeguard('scan', '--diff', range)).code, range).toBe(2);
  });

  test('tells what the range adds and removes again', async () => {
    await using tree = await makeWorkTree();
    await tree.commit('first', { 'a.txt': `old: ssn: ${ssn}\n`, 'gone.txt': `ssn: ${ssn}\n` });
    const between = await tree.commit('second', {
      'a.txt': `old: ssn: ${ssn}\nssn: ${other}\n`,
      'short.txt': `ssn: ${third}\n`,
    });
    await tree.git('rm', '-q', 'short.txt', 'gone.txt');
    await tree.commit('third', { 'a.txt': `old: ssn: ${ssn}\n` });
    const { stdout } = await tree.forgeguard('scan', '--diff', 'HEAD~2..HEAD');
    expect(told(stdout)).toEqual(['a.txt:2', 'short.txt:1']);
    expect(stdout).toContain(`Commit ${between.slice(0, 12)} brings it`);
  });

  test('does not blame a branch for what its base gained since', async () => {
    await using tree = await makeWorkTree();
    await tree.commit('first', { 'a.txt': `ssn: ${ssn}\n` });
    await tree.git('switch', '-qc', 'work');
    await tree.commit('work', { 'b.txt': 'nothing\n' });
    await tree.git('switch', '-q', 'main');
    await tree.commit('main goes on', { 'a.txt': 'clean\n', 'c.txt': `ssn: ${other}\n` });
    await tree.git('switch', '-q', 'work');
    expect(await tree.forgeguard('scan', '--diff', 'main..work')).toMatchObject({ code: 0 });
    // Nor for what a merge of the base brings, but for what the merge itself adds.
    await tree.git('merge', '-q', '--no-commit', '--no-ff', 'main');
    await tree.commit('merge', { 'a.txt': `ssn: ${third}\n` });
    const { stdout } = await tree.forgeguard('scan', '--diff', 'main..work');
    expect(told(stdout)).toEqual(['a.txt:1']);
  });

  test('does not let a change write the policy that judges it', async () => {
    await using tree = await makeWorkTree();
    const policy = (exceptions: string) =>
      `version: 1\nrules:\n  - id: phi\n    when: { findings: { category: phi } }\n    then: deny\n${exceptions}`;
    const excuse = `exceptions:\n  - id: x\n    path: '**'\n    reason: r\n    owner: o\n    expires: 2090-01-01\n`;
    await tree.commit('first', { 'policy.yaml': policy('') });
    await tree.commit('second', { 'policy.yaml': policy(excuse), 'a.txt': `ssn: ${ssn}\n` });
    const scan = ['scan', '--diff', 'HEAD~1..HEAD', '--policy'];
    expect(await tree.forgeguard(...scan, 'policy.yaml')).toMatchObject({ code: 1 });
    expect(await tree.forgeguard('scan', '--policy', 'policy.yaml', 'a.txt')).toMatchObject({ code: 0 });
    await tree.commit('third', { 'new.yaml': policy(excuse), 'b.txt': `ssn: ${ssn}\n` });
    const refused = await tree.forgeguard(...scan, 'new.yaml');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('is part of the change that it would judge');
  });
});
