// What the audit log keeps of a push. Everything in it is fit to be shown: names are masked, values are absent.
import type { AuditAction, AuditEvent, Json } from '../../core/audit-event.ts';
import type { RefUpdate, SignatureState } from '../../core/operation.ts';
import type { Principal } from '../../core/principal.ts';
import type { HeldRequest } from '../../core/services.ts';
import type { Reason, Verdict } from '../../core/verdict.ts';
import type { LocatedFinding } from './located-finding.ts';
import { plainText } from './plain-text.ts';
import type { RefCommand } from './receive-pack-request.ts';
import type { Report } from './report-status.ts';

export interface PushIdentity {
  readonly request: string;
  readonly actor: Principal;
  readonly repository: string;
}

const maxRefs = 200;
const maxFindings = 60;

function eventOf(
  identity: PushIdentity,
  action: AuditAction,
  details: Readonly<Record<string, Json>>,
): AuditEvent {
  return {
    action,
    request: identity.request,
    actor: identity.actor,
    repository: identity.repository,
    details,
  };
}

/** Opens the attempt. */
export function receivedEvent(
  identity: PushIdentity,
  commands: readonly RefCommand[],
  shownRef: (ref: string) => string,
  source: {
    readonly address: string;
    readonly userAgent: string;
    readonly pushOptions: number;
    /** The ref globs to which the credential is limited; undefined where it is not. */
    readonly refLimits: readonly string[] | undefined;
    readonly owner: string | null;
  },
): AuditEvent {
  return eventOf(identity, 'push.received', {
    refUpdates: commands.slice(0, maxRefs).map((command) => ({
      ...shownName(command.ref, shownRef),
      old: command.oldOid,
      new: command.newOid,
    })),
    refUpdateCount: commands.length,
    address: source.address,
    pushOptions: source.pushOptions,
    owner: source.owner,
    userAgent: plainText(source.userAgent, 100),
    ...(source.refLimits === undefined ? {} : { refLimits: source.refLimits }),
  });
}

export interface DecidedFacts {
  readonly verdict: Verdict;
  readonly updates: readonly RefUpdate[];
  readonly shownRef: (ref: string) => string;
  readonly findings: readonly LocatedFinding[];
  /** States of signatures that occur; undefined where they were not looked at. */
  readonly signatures: readonly SignatureState[] | undefined;
  /** How many strangers are named as authors or committers. */
  readonly foreignAuthors: number;
  readonly objects: number;
  readonly bytes: number;
  /** SHA-256 over the sorted object ids of the pack, hex. */
  readonly objectSetDigest: string;
  readonly unreachedObjects: number;
  readonly catalogDigest: string;
  /** Name of the key of the fingerprints. */
  readonly fingerprintKey: string;
  readonly reason: string | undefined;
}

/** Every ref update as it may be kept, one after the other. */
export function* shownUpdates({ updates, shownRef }: Pick<DecidedFacts, 'updates' | 'shownRef'>) {
  for (const { ref, kind, oldOid, newOid } of updates)
    yield { ...shownName(ref, shownRef), kind, old: oldOid, new: newOid };
}

export interface DecidedExtras {
  /** The approval that lets a held push go on. */
  readonly approval: string | undefined;
  /** Where all its updates are, in the place of those that the entry has no room for. */
  readonly lists: readonly { readonly digest: string; readonly count: number }[];
}

/** States the verdict and what it rests on. */
export function decidedEvent(
  identity: PushIdentity,
  facts: DecidedFacts,
  { approval, lists }: DecidedExtras,
): AuditEvent {
  const { verdict } = facts;
  return eventOf(identity, 'push.decided', {
    verdict: verdict.kind,
    ...(approval === undefined ? {} : { approval }),
    policyDigest: verdict.policyDigest,
    catalogDigest: facts.catalogDigest,
    fingerprintKey: facts.fingerprintKey,
    reasons: verdict.reasons.map(reasonJson),
    monitored: verdict.monitored.map(reasonJson),
    exceptions: verdict.excused.slice(0, maxFindings).map(({ finding, exception }) => ({
      exception,
      fingerprint: facts.findings[finding]?.finding.fingerprint ?? '',
    })),
    refUpdates: [...shownUpdates(facts).take(maxRefs)],
    refUpdateCount: facts.updates.length,
    ...(lists.length === 0 ? {} : { refLists: lists.map((part) => ({ ...part })) }),
    findings: decidedFindings(facts.findings.slice(0, maxFindings)),
    findingCount: facts.findings.length,
    criticalFindings: countCritical(facts),
    ...(facts.signatures === undefined ? {} : { signatures: facts.signatures }),
    ...(facts.foreignAuthors === 0 ? {} : { foreignAuthors: facts.foreignAuthors }),
    identifiers: countIdentifiers(facts.findings),
    objects: facts.objects,
    bytes: facts.bytes,
    objectSetDigest: facts.objectSetDigest,
    unreachedObjects: facts.unreachedObjects,
  });
}

/** How many critical findings it was denied for. */
function countCritical({ verdict, findings }: DecidedFacts): number {
  const denied = new Set(
    verdict.reasons.flatMap((reason) => (reason.action === 'deny' ? reason.findings : [])),
  );
  return [...denied].filter((index) => findings[index]?.finding.severity === 'critical').length;
}

/** How many findings there are of each identifier; those of secrets have none. */
function countIdentifiers(findings: readonly LocatedFinding[]): Readonly<Record<string, number>> {
  const groups = Map.groupBy(findings, ({ finding }) => finding.identifier);
  return Object.fromEntries([...groups].map(([identifier, group]) => [identifier, group.length]));
}

/** `shown` says how a name differs from the ref's own, where it does. */
function shownName(
  ref: string,
  shownRef: (ref: string) => string,
): { readonly ref: string; readonly shown?: 'masked' } {
  const shown = plainText(shownRef(ref));
  return shown === ref ? { ref } : { ref: shown, shown: 'masked' };
}

function reasonJson(reason: Reason): Json {
  return {
    rule: reason.rule,
    action: reason.action,
    findings: reason.findings.length,
    paths: reason.paths.length,
  };
}

/** Findings as they may be stored. */
export function decidedFindings(findings: readonly LocatedFinding[]): readonly Json[] {
  return findings.map(findingJson);
}

function findingJson(found: LocatedFinding): Json {
  const { finding } = found;
  return {
    rule: finding.rule,
    identifier: finding.identifier,
    severity: finding.severity,
    confidence: finding.confidence,
    place: found.place,
    commit: found.commit ?? null,
    path: plainText(finding.path),
    line: finding.line,
    column: finding.column,
    masked: plainText(finding.masked, 80),
    fingerprint: finding.fingerprint,
  };
}

/** Closes an attempt of which nothing reached the upstream. */
export function refusedEvent(
  identity: PushIdentity,
  by: 'policy' | 'guard' | 'upstream',
  code: string,
): AuditEvent {
  return eventOf(identity, 'push.refused', { by, code });
}

/** Says where what the push changes or updates is kept, or why it is not. */
export function evidenceEvent(
  identity: PushIdentity,
  details: { readonly kind: 'push-changes' | 'push-refs' } & Readonly<Record<string, Json>>,
): AuditEvent {
  return eventOf(identity, 'evidence.kept', details);
}

/** Closes an attempt that goes on once people have approved it. */
export function heldEvent(identity: PushIdentity, held: HeldRequest): AuditEvent {
  return eventOf(identity, 'push.held', {
    approval: held.id,
    isNew: held.isNew,
    expires: held.expiresAt.toISOString(),
  });
}

/** Closes an attempt on which the upstream reported; refused as a whole where it took no ref. */
export function reportedEvent(
  identity: PushIdentity,
  report: Report,
  shownRef: (ref: string) => string,
): AuditEvent {
  const landed = report.refs.filter((status) => status.kind === 'ok');
  // Those that were refused come first: what is not named has landed.
  const ordered = report.refs.toSorted(
    (left, right) => Number(left.kind === 'ok') - Number(right.kind === 'ok'),
  );
  const refs = ordered.slice(0, maxRefs).map((status) => ({
    ref: plainText(shownRef(status.ref)),
    status: status.kind,
    message: status.kind === 'ng' ? plainText(status.message) : '',
  }));
  if (landed.length === 0) return eventOf(identity, 'push.refused', { by: 'upstream', code: 'ng', refs });
  return eventOf(identity, 'push.forwarded', {
    refs,
    landed: landed.length,
    refused: report.refs.length - landed.length,
  });
}

/** Closes an attempt by what the upstream's refs show. */
export function settledEvent(
  identity: PushIdentity,
  action: 'push.forwarded' | 'push.refused' | 'push.unknown',
  note: string,
): AuditEvent {
  return eventOf(identity, action, { settled: true, note: plainText(note) });
}
