// The limits of one push and of the guard. Each has a default that suits a large monorepo and a bound that keeps a
// mistyped number from switching the limit off.
import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { byteSize, closed } from '../core/schema.ts';
import { type TrafficLimits, trafficLimits } from './traffic-limits.ts';

export interface Limits extends TrafficLimits {
  /** Bytes of one pack as sent. */
  readonly packBytes: number;
  /** Bytes of one object that Git holds in memory as a whole: one that is no blob, or a blob that is sent as a delta. */
  readonly objectBytes: number;
  /** Bytes of all objects of one pack, unpacked. */
  readonly unpackedBytes: number;
  /** Objects in one pack. */
  readonly objects: number;
  /** Ref updates in one push. */
  readonly refUpdates: number;
  /** Push options in one push. */
  readonly pushOptions: number;
  readonly pathBytes: number;
  readonly refNameBytes: number;
  /** Pushes that are worked on at once; more wait or are told to come back. */
  readonly concurrentPushes: number;
  /** Seconds that one push may take, waiting for an approval not counted. */
  readonly pushSeconds: number;
  /** Seconds without a byte from an upstream after which it is given up. */
  readonly upstreamSeconds: number;
  /** Refs that an upstream may advertise. */
  readonly advertisedRefs: number;
  /** Findings that one refusal lists; the rest is counted. */
  readonly findingsListed: number;
  /** Requests to the API that one principal may send in a minute. */
  readonly apiRequestsPerMinute: number;
}

function bytes(standard: number, least: number, most: number, meaning: string) {
  return byteSize.pipe(z.int().min(least).max(most)).default(standard).describe(meaning);
}

function count(standard: number, most: number, meaning: string) {
  return z.int().min(1).max(most).default(standard).describe(meaning);
}

/** Seconds as a number, or a text such as `30m`. */
function seconds(standard: number, most: number, meaning: string) {
  const message = 'expected seconds such as 1800, or a time span such as 30m';
  return z
    .union([z.int(), z.string()], { error: message })
    .transform((value, context) => {
      const result = typeof value === 'number' ? value : parseDuration(value);
      if (result !== undefined) return result;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .pipe(z.int().min(1).max(most))
    .default(standard)
    .describe(meaning);
}

export const limitsSchema = closed({
  packBytes: bytes(4 * 2 ** 30, 1_024, 2 ** 42, 'bytes of one pack, such as `2GiB`'),
  objectBytes: bytes(
    512 * 2 ** 20,
    16 * 2 ** 20,
    2 ** 40,
    'bytes of one object that Git holds in memory as a whole, such as one sent as a delta',
  ),
  unpackedBytes: bytes(64 * 2 ** 30, 1_024, 2 ** 50, 'bytes of all objects of one pack, unpacked'),
  objects: count(2_000_000, 100_000_000, 'objects in one pack'),
  refUpdates: count(1_000, 100_000, 'ref updates in one push'),
  pushOptions: count(32, 1_000, 'push options in one push'),
  pathBytes: bytes(4_096, 64, 65_536, 'bytes of one path'),
  refNameBytes: bytes(512, 64, 4_096, 'bytes of one ref name'),
  concurrentPushes: count(64, 10_000, 'pushes that are worked on at once'),
  pushSeconds: seconds(1_800, 86_400, 'time that one push may take, such as `30m`'),
  upstreamSeconds: seconds(60, 3_600, 'time without a byte from the upstream after which it is given up'),
  advertisedRefs: count(500_000, 10_000_000, 'refs that an upstream may advertise'),
  findingsListed: count(20, 1_000, 'findings that one refusal lists; the rest is counted'),
  ...trafficLimits,
  apiRequestsPerMinute: count(300, 1_000_000, 'requests to the API that one principal may send in a minute'),
});
