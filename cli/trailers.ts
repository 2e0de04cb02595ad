// `forgeguard trailers`: the lines with which a commit message says which agent made it and for whom, or a hook that adds
// them. The guard checks such lines and never writes them itself.
import process from 'node:process';
import type { Command } from 'commander';
import { GuardError } from '../core/errors.ts';

interface Flags {
  readonly agent: string;
  readonly onBehalfOf: readonly string[];
  readonly hook?: boolean;
}

// Also fit to stand between single quotes in a shell.
const principalId = /^(agent|human|workload):[A-Za-z0-9][A-Za-z0-9._@+/-]{0,199}$/;

function print(flags: Flags): void {
  const trailers = [
    ['Agent', checked(flags.agent)],
    ...flags.onBehalfOf.map((id) => ['On-behalf-of', checked(id)]),
  ].map(([key, value]) => `${key}: ${value}`);
  process.stdout.write(flags.hook === true ? hookText(trailers) : `${trailers.join('\n')}\n`);
}

function checked(id: string): string {
  if (principalId.test(id)) return id;
  throw new GuardError('input/invalid', 'expected an id such as agent:release-bot or human:ada@example.org');
}

function hookText(trailers: readonly string[]): string {
  return `#!/bin/sh
# prepare-commit-msg: says in each commit which agent made it and for whom.
# To install it: forgeguard trailers --hook … > .git/hooks/prepare-commit-msg && chmod +x .git/hooks/prepare-commit-msg
exec git interpret-trailers --in-place --if-exists addIfDifferent \\
${trailers.map((trailer) => `  --trailer '${trailer}' \\\n`).join('')}  "$1"
`;
}

/** Registers the command. */
export function registerTrailers(program: Command): void {
  program
    .command('trailers')
    .description(
      'print the trailers that name an agent and the one for whom it acts, or a hook that adds them',
    )
    .requiredOption('--agent <id>', 'the agent, such as agent:release-bot')
    .option(
      '--on-behalf-of <id>',
      'for whom it acts, such as human:ada@example.org; may be repeated',
      (id: string, before: readonly string[]) => [...before, id],
      [],
    )
    .option('--hook', 'print a prepare-commit-msg hook for a shell')
    .action(print);
}
