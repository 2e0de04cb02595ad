// The step of a replay that tells of a deployment: where to, what was decided, who approved it, what became of it.
import { z } from 'zod';
import { foldOutcome, type Outcome } from '../../core/activity/attempt.ts';
import type { DeployStep } from '../../core/activity/replay.ts';
import { familyOf } from '../../core/activity/session.ts';
import type { RecordedEvent } from '../../core/services.ts';
import { approvalStepOf, commonOf, decidedDetails, endDetails, stamp, text } from './replay-details.ts';

const whereDetails = z.object({
  environment: text,
  run: z.int().nullable().catch(null).default(null),
});

/** The deployment. */
export function deployStep(first: RecordedEvent, group: readonly RecordedEvent[]): DeployStep {
  const decided = group
    .filter(({ event }) => event.action === 'deploy.decided')
    .map((entry) => ({ ...entry, told: decidedDetails.parse(entry.event.details) }));
  const { environment, run } = whereDetails.parse(first.event.details);
  const outcome = group.reduce<Outcome>((so, { event }) => foldOutcome(so, event.action), 'open');
  const end = group.findLast(({ event }) => event.action === `deploy.${outcome}`);
  const [ref] = decided[0]?.told.refUpdates ?? [];
  return {
    kind: 'deploy',
    ...commonOf(first, group),
    environment,
    run,
    commit: ref?.new ?? null,
    ref: ref?.ref ?? null,
    decisions: decided.map(({ index, time, told }) => ({
      index,
      at: stamp(time),
      verdict: told.verdict,
      rules: [...told.reasons],
      exceptions: [],
      policyDigest: told.policyDigest,
      approval: told.approval,
    })),
    approval: group.filter(({ event }) => familyOf(event.action) === 'approval').map(approvalStepOf),
    outcome,
    why: end === undefined ? null : endDetails.parse(end.event.details).code,
    endedAt: end === undefined ? null : stamp(end.time),
  };
}
