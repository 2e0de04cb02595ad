// Push options that speak to the guard: `forgeguard.NAME=VALUE`. All others belong to the upstream.
import { GuardError } from '../../core/errors.ts';

export interface GuardOptions {
  readonly format: 'text' | 'json';
  /** Why the agent pushes this, for the reviewer. */
  readonly reason: string | undefined;
}

const prefix = 'forgeguard.';
const maxReason = 1000;

/** Splits options into the guard's and the upstream's. Throws `git/malformed` for one of ours that is unknown. */
export function readGuardOptions(options: readonly string[]): {
  readonly guard: GuardOptions;
  readonly forwarded: readonly string[];
} {
  let guard: GuardOptions = { format: 'text', reason: undefined };
  for (const option of options.filter((candidate) => candidate.startsWith(prefix))) {
    const [name = '', ...rest] = option.slice(prefix.length).split('=');
    const value = rest.join('=');
    if (name === 'format' && (value === 'json' || value === 'text')) guard = { ...guard, format: value };
    else if (name === 'reason' && value !== '' && value.length <= maxReason)
      guard = { ...guard, reason: value };
    else {
      throw new GuardError(
        'git/malformed',
        `unknown push option ${prefix}…; known: ${prefix}format=json|text, ${prefix}reason=TEXT (1 to ${maxReason} characters)`,
      );
    }
  }
  return { guard, forwarded: options.filter((option) => !option.startsWith(prefix)) };
}
