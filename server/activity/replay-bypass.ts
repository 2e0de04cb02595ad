// The step of a replay that tells of a push around the guard: whose it was and how sure that is, and what was found in it
// afterwards.
import { z } from 'zod';
import { bypassFactsOf } from '../../core/activity/bypass.ts';
import type { BypassStep } from '../../core/activity/replay.ts';
import type { RecordedEvent } from '../../core/services.ts';
import { commonOf, decidedDetails, stamp, text } from './replay-details.ts';

const id = z.int().nullable().catch(null).default(null);
const yes = z.boolean().catch(false).default(false);
const detectedDetails = z.object({
  ref: text,
  before: text,
  after: text,
  update: text,
  isScanned: yes,
  isOwnApp: yes,
  commits: id,
  pusher: text,
  deployKeys: z.array(z.int()).catch([]).default([]),
});
const scannedDetails = z.object({ problem: text, foundBefore: id, commits: id, files: id });

/** The push. */
export function bypassStep(first: RecordedEvent, group: readonly RecordedEvent[]): BypassStep {
  const { details } = first.event;
  const told = detectedDetails.parse(details);
  const entry = group.find(({ event }) => event.action === 'bypass.scanned');
  const scanned = scannedDetails.parse(entry?.event.details ?? {});
  const decided = decidedDetails.parse(entry?.event.details ?? {});
  const isJudged = entry !== undefined && scanned.problem === null;
  return {
    kind: 'bypass',
    ...commonOf(first, group),
    ...bypassFactsOf(details),
    pusher: told.pusher,
    deployKeys: told.deployKeys,
    ref: told.ref,
    old: told.before,
    new: told.after,
    change: told.update,
    commits: scanned.commits ?? told.commits,
    files: scanned.files,
    scan: isJudged ? 'done' : entry !== undefined ? 'failed' : told.isScanned ? 'open' : 'none',
    why: scanned.problem,
    scannedAt: entry === undefined ? null : stamp(entry.time),
    decisions: isJudged
      ? [
          {
            index: entry.index,
            at: stamp(entry.time),
            verdict: decided.verdict,
            rules: [...decided.reasons],
            exceptions: [...new Set(decided.exceptions)],
            policyDigest: decided.policyDigest,
            approval: null,
          },
        ]
      : [],
    findings: [...decided.findings],
    findingCount: decided.findingCount,
    foundBefore: scanned.foundBefore ?? 0,
  };
}
