// The limits on how often somebody may fail, ask and send: members of `limits` in `forgeguard.yaml`.
import { z } from 'zod';
import { byteSize } from '../core/schema.ts';

export interface TrafficLimits {
  /** Failures of one credential from one address in ten minutes, after which it has to wait. */
  readonly failedCredential: number;
  /** Failures from one address in ten minutes, after which only credentials that worked before are looked at. */
  readonly failedAddress: number;
  /** Seconds of the first wait; each further one is twice as long, up to 15 minutes. */
  readonly lockoutSeconds: number;
  readonly addressRequestsPerMinute: number;
  /** Of one principal. */
  readonly requestsPerMinute: number;
  /** Of one principal. */
  readonly pushBytesPerHour: number;
  /** Of one principal at once; more wait. */
  readonly principalPushes: number;
}

function count(standard: number, most: number, meaning: string) {
  return z.int().min(1).max(most).default(standard).describe(meaning);
}

export const trafficLimits = {
  failedCredential: count(
    10,
    10_000,
    'times that one credential may fail from one address in ten minutes before it has to wait',
  ),
  failedAddress: count(
    200,
    1_000_000,
    'failures from one address in ten minutes, after which it has to wait with credentials that never worked there',
  ),
  lockoutSeconds: count(30, 900, 'seconds of the first wait; each further one is twice as long, up to 900'),
  addressRequestsPerMinute: count(
    12_000,
    10_000_000,
    'requests from one IPv4 address, or one /64 of IPv6, in a minute',
  ),
  requestsPerMinute: count(6_000, 10_000_000, 'requests of one principal in a minute, of all kinds'),
  pushBytesPerHour: byteSize
    .pipe(
      z
        .int()
        .min(2 ** 20)
        .max(2 ** 50),
    )
    .default(256 * 2 ** 30)
    .describe('bytes that one principal may push in an hour, such as `256GiB`'),
  principalPushes: count(32, 10_000, 'pushes of one principal that are worked on at once; more wait'),
};
