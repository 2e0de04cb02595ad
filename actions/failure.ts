// How a run that could not do its work says so: what, why and what to do, without a stack.
import { GuardError } from '../core/errors.ts';
import type { Environment } from './environment.ts';
import { writeOutputs } from './runner-files.ts';
import { commandLine } from './workflow-command.ts';

/** Tells the error in the log and as the result. The step then fails. */
export async function failRun(
  runner: { readonly env: Environment; readonly write: (text: string) => void },
  error: unknown,
): Promise<void> {
  runner.write(commandLine('error', { title: 'Forgeguard could not scan' }, described(error)));
  await writeOutputs(runner.env, { result: 'error' }).catch(() => undefined);
}

function described(error: unknown): string {
  if (error instanceof GuardError) return `${error.message}\n${error.remedy} (${error.code})`;
  // Messages of others may quote what was read; their codes do not.
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const name = error instanceof Error ? error.name : 'unknown';
  return `Something went wrong that was not foreseen: ${code ?? name}`;
}
