// Looks at a pull request as it is now and writes its check. Whatever led here, the answer depends only on what GitHub
// says at this moment; so it may be done again at any time.
import { randomBytes } from 'node:crypto';
import { asGuardError, type ErrorCode, GuardError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { CheckContent } from './check-content.ts';
import { heldStateOf } from './held-state.ts';
import { holdChange, releaseChange } from './hold-change.ts';
import { type Hub, type HubServices, repositoryId } from './hub.ts';
import { look, type Look } from './look.ts';
import { authorOf } from './people.ts';
import { publishCheck } from './publish.ts';
import { type Pull, type PullPlace, readPull } from './pull.ts';
import { failureReport, reportOf } from './report.ts';
import { countReviews } from './review-votes.ts';
import {
  type CheckKey,
  type CheckPlace,
  findChecksOfHead,
  type KnownCheck,
  readCheck,
  upsertWork,
  writeCheck,
} from './store.ts';
import { writeSummary } from './summary-comment.ts';

const unknownCheck: KnownCheck = {
  head: '',
  run: null,
  published: null,
  annotations: null,
  conclusion: null,
  approval: null,
  binding: null,
  notice: null,
  comment: null,
};

/** Where the check of a pull request is remembered. */
export function pullKey(
  hub: Pick<Hub, 'forge'>,
  { repository, number }: Omit<PullPlace, 'signal'>,
): CheckKey {
  return { forge: hub.forge, repository, subject: `pull/${number}` };
}

/** Failures that lie in the change itself: trying again gives the same. */
const lasting: ReadonlySet<ErrorCode> = new Set(['git/limit', 'git/unsupported', 'approval/too-many']);

/** Looks, asks the policy, asks people, writes the check. Rejects where it has to be tried again. */
export async function evaluatePull(
  services: HubServices,
  hub: Hub,
  place: PullPlace,
  isForced: boolean,
): Promise<void> {
  const key = pullKey(hub, place);
  const known = await readCheck(services.database, key);
  const pull = await readPull(hub, place);
  const actor = authorOf(hub, pull.user, place);
  if (pull.state === 'closed') {
    if (known !== undefined) await close(services, hub, place, pull, known, actor);
    return;
  }
  let state: Evaluated;
  try {
    state = await evaluate(services, hub, await look(services, hub, place, pull, known), known, isForced);
  } catch (thrown) {
    const error = asGuardError(thrown, 'internal', "couldn't check the change");
    if (!lasting.has(error.code)) throw thrown;
    state = { content: failureReport(error.message, error.code), approval: null, binding: null };
  }
  await publish(services, hub, place, pull, known, state, isForced);
}

/** What is closed waits for nobody and stands in nobody's way. */
async function close(
  services: HubServices,
  hub: Hub,
  place: PullPlace,
  pull: Pull,
  known: KnownCheck,
  actor: Principal,
): Promise<void> {
  if (known.approval !== null && !pull.merged)
    await releaseChange(services, known.approval, actor, 'the pull request was closed');
  if (known.conclusion === null) return;
  await writeCheck(services.database, pullKey(hub, place), { ...known, conclusion: null });
  await lookAgain(services, place, await sameCommit(services, hub, place, known.head));
}

interface Evaluated {
  readonly content: CheckContent;
  readonly approval: string | null;
  readonly binding: string | null;
}

async function evaluate(
  services: HubServices,
  hub: Hub,
  seen: Look,
  known: KnownCheck | undefined,
  isForced: boolean,
): Promise<Evaluated> {
  const { judged, actor, pull, place } = seen;
  const repository = repositoryId(hub, place.repository);
  const request = randomBytes(8).toString('hex');
  if (known?.head !== pull.head.sha || isForced) await record(services, hub, request, seen);
  const notice = known?.head === pull.head.sha ? known.notice : null;
  if (judged.verdict.kind !== 'hold') {
    if (known !== undefined && known.approval !== null)
      await releaseChange(services, known.approval, actor, 'the policy does not ask for it any more');
    return { content: reportOf({ judged, held: undefined, notice }), approval: null, binding: null };
  }
  const held = await holdChange(services, { request, repository, actor, pull, judged, known, isForced });
  const approval = await countReviews(services, hub, seen, held.approval);
  const state = heldStateOf(approval, services.approvals.urlOf(approval.id));
  return {
    content: reportOf({ judged, held: state, notice }),
    approval: approval.id,
    binding: held.binding,
  };
}

const mostRecorded = 60;

/** What was found and decided, before GitHub is told. */
async function record(
  { audit, scanner }: HubServices,
  hub: Hub,
  request: string,
  { judged, actor, pull, place }: Look,
): Promise<void> {
  const { verdict, told, passing, scan } = judged;
  await audit.append({
    action: 'pull-request.checked',
    request,
    actor,
    repository: repositoryId(hub, place.repository),
    details: {
      pullRequest: place.number,
      head: pull.head.sha,
      base: pull.base.sha,
      verdict: verdict.kind,
      policyDigest: verdict.policyDigest,
      fingerprintKey: scanner.fingerprintKey,
      reasons: verdict.reasons.map(({ rule, action }) => ({ rule, action })),
      monitored: verdict.monitored.map(({ rule, action }) => ({ rule, action })),
      exceptions: verdict.excused.slice(0, mostRecorded).map(({ exception }) => exception),
      findings: told.slice(0, mostRecorded).map(({ finding, place: where, label, commit }) => ({
        rule: finding.rule,
        severity: finding.severity,
        fingerprint: finding.fingerprint,
        place: where === 'text' ? label : where,
        path: finding.path,
        line: finding.line,
        ...(commit === undefined ? {} : { commit }),
      })),
      findingCount: told.length,
      foundBefore: scan.before.length,
      foundInPassing: passing.length,
      digest: scan.digest,
    },
  });
}

async function publish(
  services: HubServices,
  hub: Hub,
  place: PullPlace,
  pull: Pull,
  known: KnownCheck | undefined,
  { content, approval, binding }: Evaluated,
  isForced: boolean,
): Promise<void> {
  const others = await sameCommit(services, hub, place, pull.head.sha);
  const published = await publishCheck(hub, {
    repository: place.repository,
    head: pull.head.sha,
    content: withOthers(content, others),
    externalId: approval ?? `pull/${place.number}`,
    known,
    isForced,
    signal: place.signal,
  });
  const comment = hub.app.summaryComment
    ? await writeSummary(hub, place, content, known, published)
    : (known?.comment ?? null);
  const notice = known?.head === pull.head.sha ? known.notice : null;
  await writeCheck(services.database, pullKey(hub, place), {
    ...(known ?? unknownCheck),
    ...published,
    conclusion: content.conclusion,
    approval,
    binding,
    notice,
    comment,
  });
  if (known?.head !== pull.head.sha || known.conclusion !== content.conclusion)
    await lookAgain(services, place, others);
}

/** The checks of other pull requests with this commit: at GitHub they are one, and the newest is shown for all. */
async function sameCommit(
  { database }: HubServices,
  hub: Hub,
  { repository, number }: PullPlace,
  head: string,
): Promise<readonly CheckPlace[]> {
  const found = await findChecksOfHead(database, hub.forge, repository, head);
  return found.filter(({ subject }) => subject.startsWith('pull/') && subject !== `pull/${number}`);
}

const passing: readonly (string | null)[] = ['success', 'neutral', null];

/** What passes by itself does not open the way for another pull request with the same commit. */
function withOthers(content: CheckContent, others: readonly CheckPlace[]): CheckContent {
  const blocking = others.filter(({ conclusion }) => !passing.includes(conclusion));
  if (blocking.length === 0 || !passing.includes(content.conclusion)) return content;
  const named = blocking.map(({ subject }) => `#${numberOf(subject)}`).join(', ');
  return {
    ...content,
    conclusion: 'failure',
    title: 'Another pull request with this commit does not pass',
    summary: `GitHub shows one check for a commit. By itself this pull request passes, and ${named} does not.`,
  };
}

async function lookAgain(
  { database, wakeUp }: HubServices,
  { repository }: PullPlace,
  others: readonly CheckPlace[],
): Promise<void> {
  for (const { forge, subject } of others) {
    const data = { number: numberOf(subject), isForced: false };
    wakeUp([
      await upsertWork(database, { forge, repository, kind: 'pull', subject: String(data.number), data }),
    ]);
  }
}

/** The pull request of a check; throws where it is none. */
export function numberOf(subject: string): number {
  const number = Number(/^pull\/(\d{1,9})$/.exec(subject)?.[1] ?? 0);
  if (number === 0) throw new GuardError('internal', 'the check is not that of a pull request');
  return number;
}
