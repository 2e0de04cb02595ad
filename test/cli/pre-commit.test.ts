// The hook definition, run by Git itself in each of the ways in which a commit is made.
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { glue, ssn } from '../scanners/values.ts';
import { runOrThrow, isolatedGitEnvironment, run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const project = fileURLToPath(new URL('../../', import.meta.url));
const hooks = z.array(z.object({ id: z.string(), entry: z.string(), pass_filenames: z.literal(false) }));

async function hookEntry(): Promise<string> {
  const [hook] = hooks.parse(parse(await readFile(join(project, '.pre-commit-hooks.yaml'), 'utf8')));
  return hook?.entry ?? '';
}

test('keeps findings out of commits however they are made', async () => {
  await using directory = await temporaryDirectory('hook');
  const { path } = directory;
  const bin = join(path, 'bin');
  const tree = join(path, 'tree');
  await mkdir(bin);
  await mkdir(tree);
  await symlink(join(project, manifest.bin.forgeguard), join(bin, 'forgeguard'));
  await symlink(process.execPath, join(bin, 'node'));
  const identity = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  };
  const base = isolatedGitEnvironment(path, identity);
  const env = { ...base, PATH: `${bin}:${base['PATH'] ?? ''}` };
  const git = (...args: readonly string[]) => run('git', args, { cwd: tree, env });
  await runOrThrow('git', ['init', '-q'], { cwd: tree, env });
  await writeFile(join(tree, '.git', 'hooks', 'pre-commit'), `#!/bin/sh\nexec ${await hookEntry()}\n`);
  await chmod(join(tree, '.git', 'hooks', 'pre-commit'), 0o755);

  await writeFile(join(tree, 'a.txt'), 'clean\n');
  await writeFile(join(tree, 'b.txt'), 'clean\n');
  await git('add', '.');
  expect(await git('commit', '-qm', 'clean')).toMatchObject({ code: 0 });

  await writeFile(join(tree, 'a.txt'), `clean\nssn: ${ssn}\n`);
  await git('add', 'a.txt');
  const staged = await git('commit', '-qm', 'staged');
  expect(staged.code).toBe(1);
  expect(`${staged.stdout}${staged.stderr}`).toContain('a.txt:2:6: critical phi/ssn');
  expect(`${staged.stdout}${staged.stderr}`).not.toContain(ssn);
  // Neither of these is in the index that stands on the disk while the hook runs.
  await git('reset', '-q');
  expect(await git('commit', '-qam', 'all')).toMatchObject({ code: 1 });
  expect(await git('commit', '-qm', 'one', 'a.txt')).toMatchObject({ code: 1 });
  // A known synthetic value is told and stops nothing.
  await writeFile(join(tree, 'b.txt'), `ssn: ${glue('078-05-', '1120')}\n`);
  await git('add', 'b.txt');
  const synthetic = await git('commit', '-qm', 'synthetic');
  expect(synthetic.code).toBe(0);
  expect(`${synthetic.stdout}${synthetic.stderr}`).toContain('b.txt:1:6: low phi/ssn');
  // From below the top, and where something else is committed.
  await mkdir(join(tree, 'sub'));
  await writeFile(join(tree, 'sub', 'c.txt'), 'clean\n');
  await git('add', 'sub/c.txt');
  const inner = await run('git', ['commit', '-qm', 'inner', 'c.txt'], { cwd: join(tree, 'sub'), env });
  expect(inner).toMatchObject({ code: 0 });
  expect((await git('log', '--format=%s')).stdout).toBe('inner\nsynthetic\nclean\n');
});
