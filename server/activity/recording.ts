// The redacted log of a job as a recording of a terminal, made from the parts that are kept, with the times of the log.
import type { EvidenceStore, WorkflowLogPart } from '../../core/activity/evidence.ts';
import { castHeaderLine, castOutputLine } from '../../core/asciicast.ts';
import { GuardError } from '../../core/errors.ts';
import type { RecordedEvent } from '../../core/services.ts';
import { recordedParts } from './replay-items.ts';

/** What a log of a build is usually read at. */
const screen = { width: 160, height: 48 } as const;

/** Lines of the recording. Rejects with `session/no-recording` where none is kept. */
export async function playRecording(
  group: readonly RecordedEvent[],
  evidence: EvidenceStore,
): Promise<AsyncIterable<string>> {
  const { digests } = recordedParts(group);
  const first = await partOf(evidence, digests[0]);
  return lines(first, digests.slice(1), evidence);
}

async function partOf(evidence: EvidenceStore, digest: string | undefined): Promise<WorkflowLogPart> {
  if (digest === undefined)
    throw new GuardError('session/no-recording', 'no log of this request is kept, or it may not be seen');
  const found = await evidence.find(digest);
  if (found.kind === 'kept' && found.evidence.kind === 'workflow-log') return found.evidence;
  const why = found.kind === 'kept' ? 'changed' : found.kind;
  throw new GuardError('session/no-recording', `what was kept of this log is ${words[why]}`);
}

const words = {
  gone: 'not kept any more',
  destroyed: 'destroyed under an approval',
  changed: 'not what was recorded, and is not shown',
} as const;

async function* lines(
  first: WorkflowLogPart,
  others: readonly string[],
  evidence: EvidenceStore,
): AsyncGenerator<string> {
  yield `${castHeaderLine({ ...screen, startedAt: new Date(first.startedAt) })}\n`;
  yield* outputOf(first);
  for (const digest of others) yield* outputOf(await partOf(evidence, digest));
}

function* outputOf(part: WorkflowLogPart): Generator<string> {
  for (const [at, text] of part.lines) yield `${castOutputLine({ at, text: `${text}\n` })}\n`;
}
