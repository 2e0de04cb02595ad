// Keeps the redacted copy of a log as evidence: each part is durable and named in the audit log, by its digest, before
// anything is done to the log itself.
import type { WorkflowLogPart } from '../../core/activity/evidence.ts';
import type { Finding } from '../../scanners/finding.ts';
import { type CopiedLine, copyLog } from './log-copy.ts';
import { textOf } from './log-lines.ts';
import { readValues } from './known-values.ts';
import { readLog } from './read-log.ts';
import type { RunScene } from './run-scene.ts';
import type { ItemIdentity } from './scanned-event.ts';
import type { WorkflowJob } from './workflow-run.ts';

/** What the redactor hides where no rule of the policy acts on less. */
const usualConfidence = 0.6;

/** Reads the log again and keeps the copy. `blamed` are the findings that the policy acts on. */
export async function keepLog(
  scene: RunScene,
  job: WorkflowJob,
  identity: ItemIdentity,
  findings: readonly Finding[],
  blamed: readonly Finding[],
): Promise<void> {
  const { services, hub, place } = scene;
  const confidence = Math.min(usualConfidence, ...blamed.map((finding) => finding.confidence));
  const hidden = findings.filter((one) => one.category !== 'policy' && one.confidence >= confidence);
  const values = await readValues(textIn(scene, job), hidden);
  const { pieces, progress } = readLog(hub, place, job.id);
  const options = { scanner: services.scanner, values, confidence, signal: place.signal };
  let number = 0;
  let startedAt: number | undefined;
  let waiting: readonly CopiedLine[] | undefined;
  const keep = async (lines: readonly CopiedLine[], isLast: boolean): Promise<void> => {
    number += 1;
    startedAt ??= lines[0]?.at === 0 ? job.started_at.getTime() : lines[0]?.at;
    const document = documentOf(scene, job, identity, { number, lines, startedAt: startedAt ?? 0 });
    const { digest, bytes, key } = await services.evidence.keep(document);
    await services.audit.append({
      action: 'evidence.kept',
      request: identity.request,
      actor: identity.actor,
      repository: identity.repository,
      details: {
        kind: document.kind,
        digest,
        bytes,
        key,
        part: number,
        last: isLast,
        ...(progress.isCut && isLast ? { cut: true } : {}),
      },
    });
  };
  for await (const lines of copyLog(pieces, options)) {
    if (waiting !== undefined) await keep(waiting, false);
    waiting = lines;
  }
  await keep(waiting ?? [], true);
}

async function* textIn({ hub, place }: RunScene, job: WorkflowJob): AsyncGenerator<Uint8Array> {
  for await (const batch of readLog(hub, place, job.id).pieces) yield textOf(batch);
}

function documentOf(
  { place }: RunScene,
  job: WorkflowJob,
  { request, repository, where }: ItemIdentity,
  part: { readonly number: number; readonly lines: readonly CopiedLine[]; readonly startedAt: number },
): WorkflowLogPart {
  return {
    v: 1,
    kind: 'workflow-log',
    request,
    repository,
    run: place.run,
    attempt: job.run_attempt,
    job: job.id,
    name: typeof where['title'] === 'string' ? where['title'] : '',
    startedAt: new Date(part.startedAt).toISOString(),
    part: part.number,
    lines: part.lines.map(({ at, text }) => [Math.max(0, at - part.startedAt) / 1_000, text]),
  };
}
