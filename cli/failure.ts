// How a command that failed says so: what, why and what to do, in one block on standard error, without a stack.
import process from 'node:process';
import { CommanderError } from 'commander';
import { GuardError } from '../core/errors.ts';

/** The exit code of everything that kept a command from doing its work. */
const failed = 2;

/** Tells the user about an error, where commander has not already, and returns the exit code. */
export function exitCodeOf(error: unknown): number {
  // Help and version end the same way as wrong usage: by an error, of exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : failed;
  process.stderr.write(describeFailure(error));
  return failed;
}

/** The block that is shown for an error. */
function describeFailure(error: unknown): string {
  if (error instanceof GuardError) {
    const detail = error.cause instanceof Error ? systemReason(error.cause) : undefined;
    const lines = [
      `forgeguard: ${error.message}${detail === undefined ? '' : ` (${detail})`}`,
      `  what to do: ${error.remedy}`,
      `  code: ${error.code}`,
    ];
    return `${lines.join('\n')}\n`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return `forgeguard: something went wrong that was not foreseen: ${message}\n  code: internal\n`;
}

/** The code of a system error, such as ENOENT; the rest of its message repeats what ours says. */
function systemReason(cause: Error): string | undefined {
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}
