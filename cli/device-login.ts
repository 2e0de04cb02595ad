// A person signs in with a browser on whatever device, and this program waits for it (RFC 8628). Address and code go to
// the terminal by standard error: standard output belongs to Git.
import { setTimeout as sleep } from 'node:timers/promises';
import { GuardError } from '../core/errors.ts';
import { printable } from './printable.ts';
import type { SessionToken, TokenService } from './token-service.ts';

export interface DeviceLoginTools {
  readonly say: (line: string) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** RFC 8628 §3.5. */
const slowerBySeconds = 5;
const longestPause = 60;

/** Rejects with `identity/forbidden` where the person refuses, with `identity/no-source` where nobody came in time. */
export async function loginByDevice(
  service: TokenService,
  { agent, scope }: { readonly agent: string; readonly scope: string },
  { say, now }: DeviceLoginTools,
): Promise<SessionToken> {
  const device = await service.startLogin(agent, scope);
  const until = now() + device.expiresIn * 1000;
  say(`forgeguard: to let ${agent} act for you (${scope}), open`);
  say(`    ${printable(device.completeUri ?? device.uri)}`);
  say(`and check that the code is ${printable(device.userCode)}. Waiting…`);
  let pause = device.interval;
  while (now() + pause * 1000 < until) {
    await sleep(pause * 1000);
    const answer = await service.askLogin(device, agent).catch((thrown: unknown) => {
      // A guard that cannot be reached for a moment is asked again, less often.
      if (thrown instanceof GuardError && thrown.code === 'guard/unreachable') return undefined;
      throw thrown;
    });
    if (answer?.kind === 'token') return answer.session;
    if (answer === undefined) pause = Math.min(pause * 2, longestPause);
    else if (answer.slower) pause = Math.min(pause + slowerBySeconds, longestPause);
  }
  throw new GuardError('identity/no-source', 'nobody signed in before the code ran out');
}
