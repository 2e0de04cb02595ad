// Makes a report about an agent and a period: reads attempts page by page, counts them, and says what is unusual.
import type { ActivityService, Actor, Period } from '../../core/activity/service.ts';
import { GuardError } from '../../core/errors.ts';
import {
  baselineOf,
  newRepositories,
  newTraits,
  unusualHours,
  unusualVolumes,
} from '../../core/report/anomaly.ts';
import type { IntegritySource } from '../../core/report/integrity.ts';
import { safeguardsOf } from '../../core/report/safeguards.ts';
import { type Anomaly, type Report, reportCaps } from '../../core/report/schema.ts';
import type { ReportQuestion } from '../../core/report/service.ts';
import type { AuditFeed, Clock } from '../../core/services.ts';
import { ApprovalTally } from './approvals.ts';
import { BypassTally, reportBypass } from './bypasses.ts';
import { Tally } from './tally.ts';

export interface ReportSources {
  readonly activity: ActivityService;
  readonly feed: AuditFeed;
  readonly integrity: IntegritySource;
  readonly clock: Clock;
}

const pageSize = 500;

const meaning =
  'Every entry that this report rests on is a leaf of a Merkle tree, and the root of the tree is signed. Whoever has the verifier key can check with “forgeguard audit verify”, or with the verifier that is shipped in an evidence pack, that no entry was changed, dropped, added or moved. The key and this checkpoint should be compared with copies that are kept elsewhere: somebody who holds both the database and the signing key could write another log, but not one that continues a checkpoint that others have.';

/** The attempts of the question that may be seen, in order. */
export async function* attemptsOf({ activity }: Pick<ReportSources, 'activity'>, question: ReportQuestion) {
  const { agent, period, sight, signal } = question;
  for (let after = -1; ;) {
    signal.throwIfAborted();
    const page = await activity.attemptsOf(agent, period, after, pageSize);
    yield page.filter(({ repository }) => sight(repository));
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.firstIndex;
  }
}

async function readApprovals(
  { activity, feed }: ReportSources,
  question: ReportQuestion,
): Promise<ApprovalTally> {
  const { agent, period, sight, signal } = question;
  const tally = new ApprovalTally();
  for (let after = -1; ;) {
    signal.throwIfAborted();
    const indices = await activity.approvalEntriesOf(agent, period, after, pageSize);
    for (const entry of await feed.at(indices)) if (sight(entry.event.repository)) tally.add(entry);
    const last = indices.at(-1);
    if (last === undefined || indices.length < pageSize) return tally;
    after = last;
  }
}

/** Only for whoever sees everything: names and habits of an agent tell of other repositories, too. */
async function findUnusual(
  { activity }: ReportSources,
  actor: Actor,
  period: Period,
  days: Report['days'],
): Promise<readonly Anomaly[]> {
  const before = baselineOf(period);
  const [hoursBefore, hours, daysBefore] = await Promise.all([
    activity.hoursOf(actor.actor, before),
    activity.hoursOf(actor.actor, period),
    activity.daysOf(actor.actor, before),
  ]);
  return [
    ...newRepositories(actor, period),
    ...newTraits(actor, period),
    ...unusualHours(hoursBefore, hours, period),
    ...unusualVolumes(daysBefore, days),
  ];
}

function seenWith({ traits }: Actor, kind: Actor['traits'][number]['kind'], { from, to }: Period): string[] {
  return traits
    .filter((trait) => trait.kind === kind && trait.firstAt < to && trait.lastAt >= from)
    .map(({ value }) => value);
}

/** The report. Rejects with `agent/unknown` where nobody of this name was seen. */
export async function buildReport(sources: ReportSources, question: ReportQuestion): Promise<Report> {
  const { activity, integrity, clock } = sources;
  const { agent, period, scope, signal } = question;
  const coverage = await activity.catchUp(signal);
  const actor = await activity.actor(agent);
  if (actor === undefined)
    throw new GuardError('agent/unknown', `the audit log has nobody who acted as ${agent}`);
  const tally = new Tally();
  const around = new BypassTally();
  for await (const page of attemptsOf(sources, question))
    for (const attempt of page) {
      const bypass = reportBypass(attempt);
      if (bypass === undefined) tally.add(attempt);
      else around.add(bypass);
    }
  const bypassed = around.result();
  const { summary, leftOut, anomalies, ...tables } = tally.result();
  const { approvals, count, anomalies: glass } = (await readApprovals(sources, question)).result();
  const isWhole = scope === 'all';
  const days = isWhole ? [...(await activity.daysOf(agent, period))] : [];
  const unusual = isWhole ? await findUnusual(sources, actor, period, days) : [];
  const signed = await integrity.newest();
  const facts = {
    agent: {
      id: actor.actor,
      kind: actor.kind,
      firstSeen: actor.firstAt.toISOString(),
      lastSeen: actor.lastAt.toISOString(),
      people: isWhole ? seenWith(actor, 'person', period) : [],
      owners: isWhole ? seenWith(actor, 'owner', period) : [],
      issuers: isWhole ? seenWith(actor, 'issuer', period) : [],
      addresses: isWhole ? seenWith(actor, 'address', period) : [],
    },
    summary: {
      ...summary,
      sessions: isWhole ? await activity.sessionCountOf(agent, period) : 0,
      fetches: isWhole ? await activity.fetchCountOf(agent, period) : 0,
      approvals: count,
      bypasses: bypassed.count,
      bypassFindings: bypassed.findings,
      criticalBypassFindings: bypassed.critical,
    },
    approvals,
    policies: tables.policies,
    // Where there are too many, what happened goes before what is only unusual.
    anomalies: [...bypassed.anomalies, ...glass, ...anomalies, ...unusual]
      .slice(0, reportCaps.anomalies)
      .toSorted((left, right) => (left.at < right.at ? -1 : 1)),
    integrity: {
      ...signed,
      cosigned: signed.cosigned && { ...signed.cosigned, by: [...signed.cosigned.by] },
      meaning,
    },
  };
  return {
    v: 1,
    period: { from: period.from.toISOString(), to: period.to.toISOString() },
    generatedAt: clock.now().toISOString(),
    scope,
    coverage: { ...coverage },
    ...tables,
    ...facts,
    days,
    bypasses: bypassed.bypasses,
    leftOut: {
      ...leftOut,
      approvals: count - approvals.length,
      bypasses: bypassed.count - bypassed.bypasses.length,
    },
    safeguards: safeguardsOf(facts),
  };
}
