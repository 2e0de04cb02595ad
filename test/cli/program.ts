// Runs the command line as a user does, in a directory of its own and with an environment that holds nothing else.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type Run } from '../support/run.ts';

export const program = join(fileURLToPath(new URL('../../', import.meta.url)), 'cli/forgeguard.ts');

export function forgeguard(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  return run(process.execPath, [program, ...args], { cwd, env: { PATH: process.env['PATH'] ?? '', ...env } });
}
