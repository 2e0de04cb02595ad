// A child that is killed takes with it the programs it started: git runs many of its commands as programs of their own.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runGit, spawnGit, useSpawner } from '../../server/git/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

async function isRunning(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ') X');
  return !/\) [XZ]/.test(stat);
}

async function killsWhatItStarted(): Promise<void> {
  await using directory = await temporaryDirectory('killed-children');
  await runGit(['init', '--quiet', '--bare', directory.path], { cwd: directory.path });
  const file = join(directory.path, 'grandchild');
  const grandchild = `alias.linger=!sh -c 'echo $$ > ${file}; exec sleep 300'`;
  const child = await spawnGit(['-c', grandchild, 'linger'], { cwd: directory.path });
  let pid = '';
  await until('the grandchild runs', async () => {
    pid = (await readFile(file, 'utf8').catch(() => '')).trim();
    return pid !== '';
  });
  expect(await isRunning(pid)).toBe(true);
  child.kill();
  expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' });
  await until('the grandchild is gone', async () => !(await isRunning(pid)), 5_000);
}

test('one that was started directly', async () => {
  await killsWhatItStarted();
});

test('one that the small process started', async () => {
  await using spawner = await useSpawner();
  expect(spawner).toBeDefined();
  await killsWhatItStarted();
});
