// Looks at one push to a guarded repository: whether the guard forwarded exactly it, or it is the merge of what the guard
// let pass. If not, it is recorded, scanned after the fact, told in a check, and people are alarmed by the entries.
import { createHash } from 'node:crypto';
import { asGuardError, type ErrorCode } from '../../core/errors.ts';
import { compileGlobs } from '../../core/glob.ts';
import type { Principal } from '../../core/principal.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { authorOf } from '../people.ts';
import type { ToldPush } from '../work.ts';
import type { Postponed } from '../work-queue.ts';
import type { Bypass, ScanOutcome } from './bypass.ts';
import { recordBypass, recordScan } from './bypass-entries.ts';
import { publishBypass } from './bypass-check.ts';
import { explainPush, isNone, type MergedPull } from './explain-push.ts';
import { isOwnForward } from './own-forward.ts';
import { presumeUnlisted } from './unlisted.ts';
import {
  type BypassKind,
  claimCompared,
  insertPush,
  type KnownPush,
  type PushKey,
  readPush,
  stagePush,
} from './push-store.ts';
import { refKey, shownRefs } from './ref-key.ts';
import { scanPush } from './scan-push.ts';

export interface PushPlace {
  /** `owner/name`. */
  readonly repository: string;
  /** Of the work: unique to the push. */
  readonly subject: string;
  /** When it was first heard of. */
  readonly since: Date;
  readonly signal: AbortSignal;
}

/** GitHub may need so long to tell of a merge; half of `compareEvery` where that is less. */
const longestSettling = 20;
/** Checks and connections of the moment get this long before the scan is given up and told as not done. */
const scanPatienceMs = 120_000;

const lasting: ReadonlySet<ErrorCode> = new Set(['git/limit', 'git/unsupported', 'upstream/not-found']);

/** Seconds that GitHub and the guard's own records get to settle. */
export function settlingSeconds({ app }: Pick<Hub, 'app'>): number {
  return Math.min(longestSettling, app.bypass.compareEvery / 2);
}

/** Looks at it. Rejects, or says when to come back, where it has to be looked at again. */
export async function watchPush(
  services: HubServices,
  hub: Hub,
  place: PushPlace,
  push: ToldPush,
): Promise<Postponed | undefined> {
  // What a comparison found is one that is watched; its name may be masked.
  const isWatched = push.delivery === null || compileGlobs(hub.app.bypass.refs)(push.ref);
  if (!isWatched || push.before === push.after) return undefined;
  const key: PushKey = { forge: hub.forge, repository: place.repository, turn: place.subject };
  const known = await readPush(services.database, key);
  if (known !== undefined) {
    if (known.stage !== 'told') await tell(services, hub, place, push, known);
    return undefined;
  }
  const decided = await decide(services, hub, place, push);
  if (decided.kind === 'wait') return { againIn: decided.seconds };
  if (decided.kind === 'own') return undefined;
  const move = { ...key, refKey: refKey(push.ref), before: push.before, after: push.after };
  if (push.delivery !== null && (await claimCompared(services.database, move, push.delivery)))
    return undefined;
  const isBypass = decided.kind === 'bypass';
  await insertPush(services.database, {
    ...move,
    delivery: push.delivery,
    how: isBypass ? decided.how : decided.kind,
    pull: isBypass ? decided.pull : null,
    stage: isBypass ? 'found' : 'told',
    request: requestOf(key),
  });
  const found = isBypass ? await readPush(services.database, key) : undefined;
  if (found !== undefined) await tell(services, hub, place, push, found);
  return undefined;
}

/** The same for the same push, so that what is done twice after a crash is told once. */
function requestOf({ forge, repository, turn }: PushKey): string {
  const named = JSON.stringify([forge, repository.toLowerCase(), turn]);
  return createHash('sha256').update(named).digest('hex').slice(0, 16);
}

type Decided =
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'own' | 'unlisted' | 'github' | 'exempt' | 'queue' | 'housekeeping' | 'merge' }
  | { readonly kind: 'bypass'; readonly how: BypassKind; readonly pull: number | null };

async function decide(services: HubServices, hub: Hub, place: PushPlace, push: ToldPush): Promise<Decided> {
  const ageMs = services.clock.now().getTime() - place.since.getTime();
  const settleMs = settlingSeconds(hub) * 1_000;
  await services.ledger.catchUp();
  const own = await isOwnForward(services, hub, place, push, ageMs);
  if (own.kind !== 'no') return own;
  const explained = await explainPush(services, hub, place, push);
  if (explained.kind === 'merge') {
    const { pull } = explained;
    if (pull.passed === undefined)
      // A check may be under way.
      return ageMs < 3 * settleMs
        ? { kind: 'wait', seconds: settleMs / 2_000 }
        : { kind: 'bypass', how: 'unchecked-merge', pull: pull.number };
    return (await landsAsPassed(services, hub, place, push, pull, ageMs))
      ? { kind: 'merge' }
      : { kind: 'bypass', how: 'differing-merge', pull: pull.number };
  }
  if (explained.kind !== 'none') return explained;
  if (ageMs < settleMs) return { kind: 'wait', seconds: settleMs / 4_000 };
  if (await presumeUnlisted(services, hub, place, push)) return { kind: 'unlisted' };
  return { kind: 'bypass', how: 'push', pull: null };
}

/**
 * Whether what landed is what was let pass, as far as the policy can tell: GitHub takes any commit for the merge that has
 * the head as a parent, and whoever merges writes the message.
 */
async function landsAsPassed(
  services: HubServices,
  hub: Hub,
  { repository, signal }: PushPlace,
  push: ToldPush,
  pull: MergedPull,
  ageMs: number,
): Promise<boolean> {
  const actor = authorOf(hub, pull.author, { repository, number: pull.number });
  try {
    const scanned = await scanPush(services, hub, {
      repository,
      push,
      actor,
      kind: 'merge',
      isLost: false,
      signal,
    });
    const verdict = scanned?.judged.verdict.kind;
    return verdict === 'allow' || (verdict === 'hold' && pull.passed === 'approved');
  } catch (thrown) {
    if (signal.aborted || isWorthAgain(thrown, ageMs)) throw thrown;
    return false;
  }
}

function isWorthAgain(thrown: unknown, ageMs: number): boolean {
  const { code } = asGuardError(thrown, 'internal', "couldn't scan the push");
  return !lasting.has(code) && ageMs < scanPatienceMs;
}

/** Records it, scans it, writes the check; goes on where it was left. */
async function tell(
  services: HubServices,
  hub: Hub,
  place: PushPlace,
  push: ToldPush,
  known: KnownPush,
): Promise<void> {
  const { repository, signal } = place;
  const key: PushKey = { forge: hub.forge, repository, turn: place.subject };
  const bypass: Bypass = {
    how: known.how,
    push,
    repository,
    request: known.request,
    actor: actorOf(hub, repository, push),
    pull: known.pull,
  };
  const [shown = { text: 'a ref', findings: 0 }] = await shownRefs(services.scanner, [push.ref], signal);
  if (known.stage === 'found') {
    await recordBypass(services, hub, bypass, shown.text, signal);
    await stagePush(services.database, key, 'recorded');
  }
  if (!isNone(push.after)) {
    const scanned = await scanAfterwards(services, hub, place, bypass, known);
    if (known.stage !== 'scanned') {
      await recordScan(services, hub, bypass, shown, scanned);
      await stagePush(services.database, key, 'scanned');
    }
    await publishBypass(services, hub, bypass, shown.text, scanned, signal);
  }
  await stagePush(services.database, key, 'told');
}

async function scanAfterwards(
  services: HubServices,
  hub: Hub,
  { repository, signal }: PushPlace,
  { push, actor }: Bypass,
  known: KnownPush,
): Promise<ScanOutcome> {
  const ageMs = services.clock.now().getTime() - known.at.getTime();
  try {
    const scanned = await scanPush(services, hub, {
      repository,
      push,
      actor: actor ?? nobody(hub, repository),
      kind: 'push',
      isLost: ageMs > scanPatienceMs / 4,
      signal,
    });
    return scanned === undefined ? { kind: 'failed', code: 'git/unsupported' } : { kind: 'scanned', scanned };
  } catch (thrown) {
    if (signal.aborted || isWorthAgain(thrown, ageMs)) throw thrown;
    return { kind: 'failed', code: asGuardError(thrown, 'internal', "couldn't scan the push").code };
  }
}

function actorOf(hub: Hub, repository: string, { by }: ToldPush): Principal | null {
  if (by === null) return null;
  const session = `github-push:${repositoryId(hub, repository)}`;
  return { ...authorOf(hub, by, { repository, number: 0 }), session };
}

/** Whom the policy is asked about where nobody is known. */
function nobody(hub: Hub, repository: string): Principal {
  return {
    kind: 'human',
    id: `human:${hub.forge}/unknown`,
    issuer: hub.url,
    subject: 'unknown',
    groups: [],
    onBehalfOf: [],
    session: `github-push:${repositoryId(hub, repository)}`,
    proof: 'forge',
  };
}
