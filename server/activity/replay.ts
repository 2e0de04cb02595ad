// Puts steps of a session together from the entries of the log and the evidence that they name. Entries may be of another
// version of the guard: what they lack is shown as not known.
import type { EvidenceStore } from '../../core/activity/evidence.ts';
import type { FetchStep, PushStep, ReplayService, ReplayStep } from '../../core/activity/replay.ts';
import { familyOf } from '../../core/activity/session.ts';
import { foldOutcome, type Outcome } from '../../core/activity/attempt.ts';
import type { AuditFeed, RecordedEvent } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { isRequestOf, listEntriesOfRequests, listRequestsOfSession } from './query-store.ts';
import { playRecording } from './recording.ts';
import {
  approvalStepOf,
  commonOf,
  decidedDetails,
  endDetails,
  fetchDetails,
  keptDetails,
  receivedDetails,
  stamp,
} from './replay-details.ts';
import { bypassStep } from './replay-bypass.ts';
import { deployStep } from './replay-deploy.ts';
import { artifactStep, logStep } from './replay-items.ts';

export interface ReplayOptions {
  readonly database: Queryable;
  readonly feed: AuditFeed;
  readonly evidence: EvidenceStore;
}

const mostEntries = 5_000;

/** Replays from the log at `database`. */
export function createReplay({ database, feed, evidence }: ReplayOptions): ReplayService {
  async function changesOf(kept: RecordedEvent | undefined, outcome: Outcome): Promise<PushStep['changes']> {
    if (kept === undefined)
      return { kind: 'missing', why: outcome === 'open' ? 'not decided yet' : 'not recorded' };
    const { digest, missing } = keptDetails.parse(kept.event.details);
    if (digest === null) return { kind: 'missing', why: missing ?? 'not known' };
    const found = await evidence.find(digest);
    if (found.kind !== 'kept') return { kind: found.kind, digest };
    if (found.evidence.kind !== 'push-changes') return { kind: 'changed', digest };
    const { total, files } = found.evidence;
    return { kind: 'kept', digest, total, files };
  }

  async function pushStep(first: RecordedEvent, group: readonly RecordedEvent[]): Promise<PushStep> {
    const byAction = (action: string): readonly RecordedEvent[] =>
      group.filter(({ event }) => event.action === action);
    const received = receivedDetails.parse(byAction('push.received')[0]?.event.details ?? {});
    const decided = byAction('push.decided').map((entry) => ({
      ...entry,
      told: decidedDetails.parse(entry.event.details),
    }));
    const told = decided[0]?.told;
    const outcome = group.reduce<Outcome>((so, { event }) => foldOutcome(so, event.action), 'open');
    const end = group.findLast(({ event }) => event.action === `push.${outcome}`);
    return {
      kind: 'push',
      ...commonOf(first, group),
      address: received.address,
      userAgent: received.userAgent,
      refs: [...(told?.refUpdates ?? received.refUpdates)],
      refCount: told?.refUpdateCount ?? received.refUpdateCount,
      refLists: decided.flatMap(({ told: { refLists } }) => refLists.map(({ digest }) => digest)),
      decisions: decided.map(({ index, time, told: one }) => ({
        index,
        at: stamp(time),
        verdict: one.verdict,
        rules: [...one.reasons],
        exceptions: [...new Set(one.exceptions)],
        policyDigest: one.policyDigest,
        approval: one.approval,
      })),
      findings: [...(told?.findings ?? [])],
      findingCount: told?.findingCount ?? 0,
      changes: await changesOf(
        byAction('evidence.kept').find(({ event }) => event.details['kind'] !== 'push-refs'),
        decided.length > 0 ? outcome : 'open',
      ),
      approval: group.filter(({ event }) => familyOf(event.action) === 'approval').map(approvalStepOf),
      outcome,
      why: end === undefined ? null : endDetails.parse(end.event.details).code,
      endedAt: end === undefined ? null : stamp(end.time),
    };
  }

  function fetchStep(first: RecordedEvent, group: readonly RecordedEvent[]): FetchStep {
    const { command, address, code } = fetchDetails.parse(first.event.details);
    const outcome = first.event.action === 'fetch.served' ? 'served' : 'refused';
    return { kind: 'fetch', ...commonOf(first, group), command, address, outcome, why: code };
  }

  async function stepOf(group: readonly RecordedEvent[]): Promise<readonly ReplayStep[]> {
    const [first] = group;
    if (first === undefined) return [];
    const family = familyOf(first.event.action);
    if (family === 'push') return [await pushStep(first, group)];
    if (family === 'deploy') return [deployStep(first, group)];
    if (family === 'bypass') return [bypassStep(first, group)];
    if (family === 'log') return [logStep(first, group)];
    if (family === 'artifact') return [await artifactStep(first, group, evidence)];
    return family === 'fetch' ? [fetchStep(first, group)] : [];
  }

  return {
    replay: async (session, mayShow, after, limit) => {
      const requests = await listRequestsOfSession(database, session, after, limit);
      const places = await listEntriesOfRequests(
        database,
        requests.map(({ request }) => request),
        mostEntries,
      );
      const entries = await feed.at(places.map(({ index }) => index));
      const groups = Map.groupBy(entries, ({ event }) => event.request);
      const steps: ReplayStep[] = [];
      for (const { request } of requests) {
        const group = groups.get(request) ?? [];
        if (mayShow(group[0]?.event.repository ?? null)) steps.push(...(await stepOf(group)));
      }
      return { steps, next: requests.length < limit ? null : (requests.at(-1)?.index ?? null) };
    },
    recording: async (session, request, mayShow) => {
      const places = await listEntriesOfRequests(database, [request], mostEntries);
      const group = await feed.at(places.map(({ index }) => index));
      const isSeen = mayShow(group[0]?.event.repository ?? null);
      const isOfSession = isSeen && (await isRequestOf(database, session, request));
      return playRecording(isOfSession ? group : [], evidence);
    },
  };
}
