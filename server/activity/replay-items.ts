// Steps of a replay that tell of logs and artifacts of workflows: what was found in them, since when it could be read, and
// what became of them.
import { z } from 'zod';
import type { EvidenceStore } from '../../core/activity/evidence.ts';
import type { ArtifactStep, LogStep } from '../../core/activity/replay.ts';
import type { RecordedEvent } from '../../core/services.ts';
import { commonOf, count, decidedDetails, keptDetails, stamp, text } from './replay-details.ts';

const id = z.int().nullable().catch(null).default(null);
const itemDetails = z.object({
  run: id,
  attempt: id,
  job: id,
  artifact: id,
  title: text,
  head: text,
  bytes: id,
  cut: z.boolean().catch(false).default(false),
  exposedSince: text,
  exposedUntil: text,
  code: text,
});
const partDetails = z.object({ digest: text, part: count, last: z.boolean().catch(false).default(false) });

const deletions: Readonly<Record<string, LogStep['deletion']>> = {
  deleting: 'began',
  'deletion-failed': 'failed',
  deleted: 'done',
};

function lookedAt(first: RecordedEvent, group: readonly RecordedEvent[]) {
  const step = ({ event }: RecordedEvent): string => event.action.slice(event.action.indexOf('.') + 1);
  const told = itemDetails.parse(first.event.details);
  const scanned = group.findLast((entry) => step(entry) === 'scanned');
  const decided = scanned && decidedDetails.parse(scanned.event.details);
  const unscanned = group.findLast((entry) => step(entry) === 'unscanned');
  const seen = itemDetails.parse(scanned?.event.details ?? {});
  const deletion = group.flatMap((entry) => deletions[step(entry)] ?? []).at(-1) ?? 'none';
  const end = group.findLast((entry) => step(entry) === 'deleted');
  return {
    ...commonOf(first, group),
    run: told.run,
    attempt: told.attempt,
    item: told.job ?? told.artifact,
    title: told.title,
    head: told.head,
    decisions:
      scanned === undefined || decided === undefined
        ? []
        : [
            {
              index: scanned.index,
              at: stamp(scanned.time),
              verdict: decided.verdict,
              rules: [...decided.reasons],
              exceptions: [...new Set(decided.exceptions)],
              policyDigest: decided.policyDigest,
              approval: null,
            },
          ],
    findings: [...(decided?.findings ?? [])],
    findingCount: decided?.findingCount ?? 0,
    bytes: seen.bytes,
    isCut: seen.cut,
    exposedSince: seen.exposedSince,
    exposedUntil: end === undefined ? null : itemDetails.parse(end.event.details).exposedUntil,
    deletion,
    why: unscanned === undefined ? null : itemDetails.parse(unscanned.event.details).code,
  };
}

/** Digests of the parts of a recording that is whole, in order; those of an attempt that was given up are left out. */
export function recordedParts(group: readonly RecordedEvent[]): {
  readonly digests: readonly string[];
  readonly isWhole: boolean;
} {
  const parts = new Map<number, string>();
  let last: number | undefined;
  for (const { event } of group) {
    if (event.action !== 'evidence.kept') continue;
    const { digest, part, last: isLast } = partDetails.parse(event.details);
    if (digest === null) continue;
    // The copy begins anew where an earlier attempt did not come to its end.
    if (part === 1) {
      parts.clear();
      last = undefined;
    }
    parts.set(part, digest);
    if (isLast) last = part;
  }
  const digests = [...parts].toSorted(([left], [right]) => left - right).map(([, digest]) => digest);
  return { digests, isWhole: last === digests.length && digests.length > 0 };
}

/** The log of a job. */
export function logStep(first: RecordedEvent, group: readonly RecordedEvent[]): LogStep {
  const { digests, isWhole } = recordedParts(group);
  const recording = digests.length === 0 ? null : { digests: [...digests], isWhole };
  return { kind: 'log', ...lookedAt(first, group), recording };
}

/** An artifact, with the list of its files. */
export async function artifactStep(
  first: RecordedEvent,
  group: readonly RecordedEvent[],
  evidence: EvidenceStore,
): Promise<ArtifactStep> {
  return { kind: 'artifact', ...lookedAt(first, group), files: await filesOf(group, evidence) };
}

async function filesOf(
  group: readonly RecordedEvent[],
  evidence: EvidenceStore,
): Promise<ArtifactStep['files']> {
  const kept = group.findLast(({ event }) => event.action === 'evidence.kept');
  const digest = kept === undefined ? null : keptDetails.parse(kept.event.details).digest;
  if (digest === null) return { kind: 'missing' };
  const found = await evidence.find(digest);
  if (found.kind !== 'kept') return { kind: found.kind, digest };
  if (found.evidence.kind !== 'workflow-artifact') return { kind: 'changed', digest };
  const { total, files } = found.evidence;
  return { kind: 'kept', digest, total, files };
}
