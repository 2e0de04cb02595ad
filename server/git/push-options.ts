// Push options that speak to the guard: `forgeguard.NAME=VALUE`. All others belong to the upstream.
import { GuardError } from '../../core/errors.ts';

export interface GuardOptions {
  readonly format: 'text' | 'json';
  /** Why the agent pushes this, for the reviewer. */
  readonly reason: string | undefined;
  /** Seconds that a held push waits for its end in the same connection; zero: not at all. */
  readonly waitSeconds: number;
}

const prefix = 'forgeguard.';
const maxReason = 1000;
const maxWaitSeconds = 3600;

/** Splits options into the guard's and the upstream's. Throws `git/malformed` for one of ours that is unknown. */
export function readGuardOptions(options: readonly string[]): {
  readonly guard: GuardOptions;
  readonly forwarded: readonly string[];
} {
  let guard: GuardOptions = { format: 'text', reason: undefined, waitSeconds: 0 };
  for (const option of options.filter((candidate) => candidate.startsWith(prefix))) {
    const [name = '', ...rest] = option.slice(prefix.length).split('=');
    const value = rest.join('=');
    if (name === 'format' && (value === 'json' || value === 'text')) guard = { ...guard, format: value };
    else if (name === 'reason' && value !== '' && value.length <= maxReason)
      guard = { ...guard, reason: value };
    else if (name === 'wait' && /^\d{1,4}$/.test(value) && Number(value) <= maxWaitSeconds)
      guard = { ...guard, waitSeconds: Number(value) };
    else {
      throw new GuardError(
        'git/malformed',
        `unknown push option ${prefix}…; known: ${prefix}format=json|text, ${prefix}reason=TEXT (1 to ${maxReason} characters), ${prefix}wait=SECONDS (up to ${maxWaitSeconds})`,
      );
    }
  }
  return { guard, forwarded: options.filter((option) => !option.startsWith(prefix)) };
}
