// The files through which a step tells the runner its outputs and its summary. The runner names them; they are appended
// to, as other commands of the same step may have written before.
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { GuardError } from '../core/errors.ts';
import type { Environment } from './environment.ts';

/** Appends outputs, each between delimiters that no value can foresee. Without a runner there is nobody to tell. */
export async function writeOutputs(
  env: Environment,
  outputs: Readonly<Record<string, string | number>>,
): Promise<void> {
  const file = env['GITHUB_OUTPUT'];
  if (file === undefined || file === '') return;
  const told = Object.entries(outputs).map(([name, value]) => {
    const delimiter = `forgeguard_${randomUUID()}`;
    return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
  });
  await appendFile(file, told.join(''));
}

/** Appends to the summary of the job. */
export async function writeSummary(env: Environment, markdown: string): Promise<void> {
  const file = env['GITHUB_STEP_SUMMARY'];
  if (file !== undefined && file !== '') await appendFile(file, markdown);
}

/**
 * Writes a file of the step's and returns its path. It replaces what stands there, a symbolic link too: the workspace
 * holds what is judged. Rejects with `input/invalid` where the directory leads out of the workspace and the runner's
 * temporary directory.
 */
export async function writeReportFile(
  env: Environment,
  workspace: string,
  name: string | undefined,
  text: string,
): Promise<string> {
  const temporary = env['RUNNER_TEMP'];
  const file = resolve(workspace, name ?? join(temporary ?? workspace, `forgeguard-${randomUUID()}.sarif`));
  const roots = await Promise.all(
    [workspace, temporary].filter((root) => root !== undefined).map((root) => realpath(root)),
  );
  if (!roots.some((root) => isBelow(root, file)) && !roots.some((root) => isBelow(resolve(root), file)))
    throw outside();
  await mkdir(dirname(file), { recursive: true });
  const real = await realpath(dirname(file));
  if (!roots.some((root) => real === root || isBelow(root, real))) throw outside();
  const draft = join(real, `.forgeguard-${randomUUID()}`);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    await rename(draft, join(real, basename(file)));
  } catch (error) {
    await rm(draft, { force: true });
    throw new GuardError('input/invalid', "sarif-file: couldn't write the file", { cause: error });
  }
  return file;
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function outside(): GuardError {
  return new GuardError(
    'input/invalid',
    'sarif-file: expected a path in the workspace or in the temporary directory of the runner',
  );
}
