// Looks at a pull request as it is now and writes its check. Whatever led here, the answer depends only on what GitHub
// says at this moment; so it may be done again at any time.
import { randomBytes } from 'node:crypto';
import { asGuardError, type ErrorCode } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { CheckContent } from './check-content.ts';
import { pullKey } from './check-key.ts';
import { heldStateOf } from './held-state.ts';
import { holdChange, releaseChange } from './hold-change.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { look, type Look } from './look.ts';
import { authorOf } from '../people.ts';
import { beginCheck, isOpen, type Publication, publishCheck } from './publish.ts';
import { type Pull, type PullPlace, readPull } from './pull.ts';
import { recordLook } from './record-look.ts';
import { failureReport, reportOf } from './report.ts';
import { countReviews } from './review-votes.ts';
import { lookAgain, sameCommit, withOthers } from './same-commit.ts';
import { type CheckRunState, type KnownCheck, readCheck, writeOutcome, writeRequest } from '../store.ts';
import { writeSummary } from './summary-comment.ts';

/** Failures that lie in the change itself: trying again gives the same. */
const lasting: ReadonlySet<ErrorCode> = new Set(['git/limit', 'git/unsupported', 'approval/too-many']);

export interface Attempt {
  /** Whether the check is written anew even where nothing has changed. */
  readonly isForced: boolean;
  /** Whether an earlier attempt may have left something at GitHub. */
  readonly isRetry: boolean;
}

/** Looks, asks the policy, asks people, writes the check. Rejects where it has to be tried again. */
export async function evaluatePull(
  services: HubServices,
  hub: Hub,
  place: PullPlace,
  attempt: Attempt,
): Promise<void> {
  const key = pullKey(hub, place);
  const known = await readCheck(services.database, key);
  const pull = await readPull(hub, place);
  const actor = authorOf(hub, pull.user, place);
  const { database } = services;
  const { signal } = place;
  const publication = { ...attempt, hub, database, key, signal, head: pull.head.sha };
  if (pull.state === 'closed') {
    if (known !== undefined) await close(services, place, pull, publication, known, actor);
    return;
  }
  const begun = await beginCheck(publication, known);
  let state: Evaluated;
  try {
    const seen = await look(services, hub, place, pull, known);
    state = await evaluate(services, hub, seen, known, attempt.isForced);
  } catch (thrown) {
    const error = asGuardError(thrown, 'internal', "couldn't check the change");
    if (!lasting.has(error.code)) throw thrown;
    state = { content: failureReport(error.message, error.code), approval: null, binding: null };
  }
  await publish(services, place, publication, known, begun, state);
}

/** What is closed waits for nobody and stands in nobody's way. */
async function close(
  services: HubServices,
  place: PullPlace,
  pull: Pull,
  publication: Publication,
  known: KnownCheck,
  actor: Principal,
): Promise<void> {
  const { hub, key } = publication;
  if (known.approval !== null && !pull.merged)
    await releaseChange(services, known.approval, actor, 'the pull request was closed');
  if (isOpen(known)) await publishCheck({ ...publication, head: known.head }, known, closedReport);
  if (known.conclusion === null) return;
  await writeOutcome(services.database, key, { ...known, conclusion: null });
  await lookAgain(services, place, await sameCommit(services, hub, place, known.head));
}

const closedReport = {
  ...failureReport('The pull request was closed before it was looked at.', 'request/cancelled'),
  title: 'Closed before it was looked at',
};

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
  const isNew = known?.head !== pull.head.sha || isOpen(known);
  if (isNew || isForced) await recordLook(services, hub, request, seen);
  const notice = known?.head === pull.head.sha ? known.notice : null;
  if (judged.verdict.kind !== 'hold') {
    if (known !== undefined && known.approval !== null)
      await releaseChange(services, known.approval, actor, 'the policy does not ask for it any more');
    return { content: reportOf({ judged, held: undefined, notice }), approval: null, binding: null };
  }
  const held = await holdChange(services, { request, repository, actor, pull, judged, known, isForced });
  await writeRequest(services.database, pullKey(hub, place), {
    head: pull.head.sha,
    approval: held.approval.id,
    binding: held.binding,
  });
  const approval = await countReviews(services, hub, seen, held.approval);
  const state = heldStateOf(approval, services.approvals.urlOf(approval.id));
  return {
    content: reportOf({ judged, held: state, notice }),
    approval: approval.id,
    binding: held.binding,
  };
}

async function publish(
  services: HubServices,
  place: PullPlace,
  publication: Publication,
  known: KnownCheck | undefined,
  begun: CheckRunState | undefined,
  { content, approval, binding }: Evaluated,
): Promise<void> {
  const { hub, head, key, database } = publication;
  const others = await sameCommit(services, hub, place, head);
  const published = await publishCheck(publication, begun, withOthers(content, others));
  const comment = hub.app.summaryComment
    ? await writeSummary(hub, place, content, known, published)
    : (known?.comment ?? null);
  const { conclusion } = content;
  await writeOutcome(database, key, { conclusion, approval, binding, comment });
  if (known?.head !== head || known.conclusion !== conclusion) await lookAgain(services, place, others);
}

/** Ends the check of work that was given up, so that nobody waits for it. */
export async function abandonCheck(publication: Omit<Publication, 'head'>): Promise<void> {
  const known = await readCheck(publication.database, publication.key);
  if (known === undefined || !isOpen(known)) return;
  const report = failureReport('The guard has tried for a day and gave up.', 'upstream/unreachable');
  await publishCheck({ ...publication, head: known.head }, known, report);
}
