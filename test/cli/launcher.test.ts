// The launcher: the file that npm links as `forgeguard`, which even a Node.js that cannot run the program can read.
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { describeOldNode, isOldNode, oldestNode } from '../../cli/node-version.ts';
import { run, type Run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const project = fileURLToPath(new URL('../../', import.meta.url));
const launcher = join(project, manifest.bin.forgeguard);

function launch(file: string, args: readonly string[], preload?: string): Promise<Run> {
  const options = preload === undefined ? [] : ['--import', preload];
  return run(process.execPath, [...options, file, ...args], { env: { PATH: process.env['PATH'] ?? '' } });
}

/** A module that makes Node.js tell another version of itself, as an old one would. */
async function pretend(directory: string, version: string): Promise<string> {
  const file = join(directory, 'pretend.mjs');
  const text = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`;
  await writeFile(file, text);
  return file;
}

test('starts the program', async () => {
  await using directory = await temporaryDirectory('launcher');
  const link = join(directory.path, 'forgeguard');
  await symlink(launcher, link);
  expect(await launch(link, ['--version'])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  expect(await launch(launcher, ['scan', 'nowhere'])).toMatchObject({ code: 2 });
});

test('knows the same oldest version as the program', async () => {
  expect(await readFile(launcher, 'utf8')).toContain(`const oldestNode = ${oldestNode};`);
  expect([isOldNode('20.20.2'), isOldNode('22.18.0'), isOldNode('24.0.0'), isOldNode('100.1.0')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(describeOldNode('20.1.0').split('\n')).toHaveLength(2);
});

test('hands over to the Node.js of the project where the running one is too old', async () => {
  await using directory = await temporaryDirectory('launcher');
  const old = await pretend(directory.path, '20.20.2');
  expect(await launch(launcher, ['--version'], old)).toMatchObject({
    code: 0,
    stdout: `${manifest.version}\n`,
    stderr: '',
  });
  expect(await launch(launcher, ['scan', 'nowhere'], old)).toMatchObject({ code: 2 });
});

test('says in one line what to do where there is none', async () => {
  await using directory = await temporaryDirectory('launcher');
  const old = await pretend(directory.path, '20.20.2');
  const lone = join(directory.path, 'cli', 'launcher.js');
  await mkdir(join(directory.path, 'cli'));
  await writeFile(join(directory.path, 'package.json'), '{"type":"module"}');
  await copyFile(launcher, lone);
  const alone = await launch(lone, ['scan'], old);
  expect(alone).toMatchObject({ code: 2, stdout: '' });
  expect(alone.stderr).toMatch(/^forgeguard needs Node\.js 24 or newer and this is 20\.20\.2: .*npm ci.*\n$/);
  // One that is there and too old itself is not asked.
  await mkdir(join(directory.path, 'node_modules', 'node', 'bin'), { recursive: true });
  const bundled = join(directory.path, 'node_modules', 'node');
  await writeFile(join(bundled, 'package.json'), '{"version":"22.0.0"}');
  await writeFile(join(bundled, 'bin', 'node'), '#!/bin/sh\nexit 7\n');
  await chmod(join(bundled, 'bin', 'node'), 0o755);
  expect(await launch(lone, ['scan'], old)).toMatchObject({ code: 2 });
});
