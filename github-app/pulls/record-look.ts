// The entry of the audit log about a pull request that was looked at.
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import type { Look } from './look.ts';

const mostRecorded = 60;

/** What was found and decided, before GitHub is told. */
export async function recordLook(
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
