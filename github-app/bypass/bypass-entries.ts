// What the audit log keeps of a push around the guard: who and what first, then what was found in it. The alert is made of
// these entries. Values are in neither.
import { z } from 'zod';
import type { AuditEvent, Json } from '../../core/audit-event.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import type { Told } from '../pulls/judge-change.ts';
import { oneLine } from '../markdown.ts';
import { attributionOf } from './attribute-push.ts';
import { isNone } from './explain-push.ts';
import { updateKind } from './scan-push.ts';
import type { Bypass, ScanOutcome } from './bypass.ts';

const mostRecorded = 60;

type Entry = 'bypass.detected' | 'bypass.scanned';

async function append(
  { audit }: HubServices,
  hub: Hub,
  action: Entry,
  bypass: Bypass,
  ref: string,
  more: AuditEvent['details'],
): Promise<void> {
  const { push, how, pull, actor, request, repository } = bypass;
  await audit.append({
    action,
    request,
    actor,
    repository: repositoryId(hub, repository),
    details: {
      how,
      ref,
      before: push.before,
      after: push.after,
      update: updateKind(push),
      by: push.by === null ? null : oneLine(push.by.login),
      isScanned: !isNone(push.after),
      ...(pull === null ? {} : { pullRequest: pull }),
      ...more,
    },
  });
}

/** Records who has done what. */
export async function recordBypass(
  services: HubServices,
  hub: Hub,
  bypass: Bypass,
  ref: string,
  signal: AbortSignal,
): Promise<void> {
  const { by, pusher, delivery, commits } = bypass.push;
  const [slug, keys] = await Promise.all([
    by?.type === 'Bot' ? hub.api.slug().catch(() => undefined) : undefined,
    recentKeys(hub, bypass, signal).catch(() => undefined),
  ]);
  const isOwnApp = slug !== undefined && by?.login === `${slug}[bot]`;
  await append(services, hub, 'bypass.detected', bypass, ref, {
    found: delivery === null ? 'comparison' : 'webhook',
    delivery,
    commits,
    account: by === null ? null : { id: by.id, type: by.type },
    pusher: pusher === null ? null : oneLine(pusher),
    // Nobody but a guard has it: whoever else uses it has stolen it.
    isOwnApp,
    deployKeys: keys ?? [],
    attribution: { ...attributionOf(hub, bypass.push, isOwnApp, keys) },
  });
}

const keyAnswer = z.object({ id: z.int(), read_only: z.boolean(), last_used: z.string().nullish() });
const recentMs = 10 * 60_000;

/**
 * Numbers of deploy keys that may write and were used at about this time: GitHub names a person in place of a key.
 * Undefined for a push that was noticed too late to tell.
 */
async function recentKeys(
  { api }: Hub,
  { repository, push }: Bypass,
  signal: AbortSignal,
): Promise<readonly number[] | undefined> {
  if (push.delivery === null) return undefined;
  const keys = await api.ask({
    repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/keys',
    parameters: { per_page: 100 },
    permissions: { administration: 'read' },
    answer: z.array(keyAnswer),
  });
  const isRecent = (at: string | null | undefined): boolean =>
    at !== null && at !== undefined && Date.now() - Date.parse(at) < recentMs;
  return keys.filter(({ read_only, last_used }) => !read_only && isRecent(last_used)).map(({ id }) => id);
}

/** Records what was found, or why nothing could be looked at. */
export async function recordScan(
  services: HubServices,
  hub: Hub,
  bypass: Bypass,
  ref: { readonly text: string; readonly findings: number },
  outcome: ScanOutcome,
): Promise<void> {
  if (outcome.kind === 'failed') {
    await append(services, hub, 'bypass.scanned', bypass, ref.text, {
      problem: outcome.code,
      refFindings: ref.findings,
    });
    return;
  }
  const { verdict, told, scan } = outcome.scanned.judged;
  await append(services, hub, 'bypass.scanned', bypass, ref.text, {
    verdict: verdict.kind,
    policyDigest: verdict.policyDigest,
    catalogDigest: services.scanner.catalogDigest,
    fingerprintKey: services.scanner.fingerprintKey,
    reasons: verdict.reasons.map(({ rule, action }) => ({ rule, action })),
    findings: told.slice(0, mostRecorded).map((found) => findingJson(found)),
    findingCount: told.length,
    identifiers: countIdentifiers(told),
    criticalFindings: told.filter(({ finding }) => finding.severity === 'critical').length,
    foundBefore: scan.before.length,
    refFindings: ref.findings,
    commits: scan.size.commits,
    files: scan.paths.length,
    bytes: scan.size.bytes,
    digest: scan.digest,
  });
}

function countIdentifiers(told: readonly Told[]): Readonly<Record<string, number>> {
  const groups = Map.groupBy(told, ({ finding }) => finding.identifier);
  return Object.fromEntries([...groups].map(([identifier, group]) => [identifier, group.length]));
}

function findingJson({ finding, place, label, commit }: Told): Json {
  return {
    rule: finding.rule,
    identifier: finding.identifier,
    severity: finding.severity,
    fingerprint: finding.fingerprint,
    masked: oneLine(finding.masked, 80),
    place: place === 'text' ? label : place,
    path: oneLine(finding.path, 500),
    line: finding.line,
    column: finding.column,
    commit: commit ?? null,
  };
}
