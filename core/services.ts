// The few ports between the parts. server/app.ts is the only place that knows who implements which.
import type { RedactOptions } from '../scanners/redact.ts';
import type { ScanResult, ScanTarget } from '../scanners/target.ts';
import type { Approval, HoldReason, VoteDecision } from './approval.ts';
import type { ApprovalBinding } from './approval/binding.ts';
import type { HeldChangesAnswer } from './approval/changes.ts';
import type { ApprovalState } from './approval/state.ts';
import type { AuditEvent, Json } from './audit-event.ts';
import type { ChangeRange, ChangeScan } from './change-scan.ts';
import type { Oid } from './oid.ts';
import type { Operation } from './operation.ts';
import type { AuthorRules } from './policy/authors.ts';
import type { Grant, Principal, Verb } from './principal.ts';
import type { ApprovalRequirement, Verdict } from './verdict.ts';

/** Where an entry landed in the log. */
export interface AuditReceipt {
  /** 0-based index of the entry. */
  readonly index: number;
}

/** An attempt that was received and has no outcome yet. */
export interface OpenAttempt {
  readonly request: string;
  /** The last event of the attempt, as it was appended. */
  readonly last: AuditEvent;
}

export interface AuditLog {
  /**
   * Appends one entry. When the promise fulfils, the entry is durable and covered by a signed checkpoint. Rejects with
   * `audit/unavailable` when that cannot be had within the log's write deadline: the caller must then not act.
   * An event whose action ends in `.received` or `.decided` opens the attempt of its request, one that ends in
   * `.forwarded`, `.refused`, `.held` or `.unknown` closes it, in the same transaction.
   */
  append(event: AuditEvent): Promise<AuditReceipt>;
  /** Attempts without an outcome, oldest first; those of this process's own running requests included. */
  openAttempts(): Promise<readonly OpenAttempt[]>;
}

/** Scans bytes in worker threads. Findings carry the target's path. */
export interface ScanService {
  /** Changes whenever a rule changes. Results are kept only as long as the process, in which it never changes. */
  readonly catalogDigest: string;
  /** Names the key of the fingerprints and says nothing about it; fingerprints under other names do not compare. */
  readonly fingerprintKey: string;
  /**
   * Scans one buffer; the buffer may be moved to a worker and must not be used afterwards. `contentId` names the bytes
   * and no others, as the id of a blob does that Git has verified: a result that is known for it and the target is
   * given again.
   */
  scan(
    target: ScanTarget,
    bytes: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
    contentId?: string,
  ): Promise<ScanResult>;
  /** Scans a source of any size in bounded memory; with a `contentId` that is known the source is not read. */
  scanStream(
    target: ScanTarget,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    contentId?: string,
  ): Promise<ScanResult>;
  /**
   * Hides values in a source of any length in bounded memory: as many bytes and lines come out as went in. Rejects with
   * `scan/failed` or `request/cancelled`.
   */
  redactStream(
    options: Required<RedactOptions>,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
}

/** Lets those try who have not failed too often. */
export interface AttemptGate {
  /**
   * Runs `work`, which rejects with an identity refusal where what is presented is not accepted; that is counted. Rejects
   * with `identity/locked-out` without running it where too much has failed before.
   */
  attempt<T>(presented: Presented, work: () => Promise<T>): Promise<T>;
}

/** How much a principal may send. */
export interface TrafficService {
  /** Throws `request/too-many` where it has pushed too much of late. */
  demandPush(principal: Principal): void;
  countBytes(principal: Principal, bytes: number): void;
}

/** What a request presents of its sender; all of it is attacker-controlled but the address. */
export interface Presented {
  /** The `Authorization` header; several are joined with `, `, which no credential survives. */
  readonly authorization: string | undefined;
  /** The client's IP address, as far as the guard can tell. */
  readonly address: string;
  /** The `Cookie` header. */
  readonly cookie?: string | undefined;
  /** The client certificate (DER) whose key the TLS handshake has proved. */
  readonly certificate?: Uint8Array | undefined;
  /** Why a certificate that was shown is not accepted; nothing that comes with it is, then. */
  readonly certificateFault?: string | undefined;
  /** What is asked for, where it is known before: some tokens are good for one repository only. */
  readonly repository?: string | undefined;
}

export interface IdentityService {
  /**
   * Proves who sends a request from what it presents: an `Authorization` header (HTTP Basic with any user name and the
   * token as password, or Bearer) or another proof. Rejects with `identity/missing` or `identity/invalid`.
   */
  authenticate(presented: Presented): Promise<Grant>;
}

/** A credential that was accepted some time ago. */
export interface AcceptedCredential {
  readonly principal: Principal;
  /** Who answers for the credential; null where nobody is named. */
  readonly owner: string | null;
  /** When it was accepted. */
  readonly since: Date;
}

/**
 * Asks again right before an effect. Rejects with `identity/revoked` where the credential, the principal, somebody for
 * whom it acts or the owner was revoked since; that it has expired does not matter.
 */
export type CredentialCheck = (accepted: AcceptedCredential) => Promise<void>;

export interface PolicyService {
  /** SHA-256 of the text in force, hex. */
  readonly digest: string;
  decide(operation: Operation, now: Date): Verdict;
  /** True where some rule that could match this operation asks about changed paths. */
  asksAboutPaths(operation: Omit<Operation, 'paths' | 'findings'>): boolean;
  /** Indexes of the ref updates about whose signatures some rule asks that could match this operation. */
  asksAboutSignatures(operation: Omit<Operation, 'paths' | 'findings'>): readonly number[];
  /** Whose names and keys commits may bear. */
  readonly authors: AuthorRules;
}

/** Told of each step of a walk as it is entered; for metrics, traces and tests of crash safety. */
export type StepObserver = (step: string, request: string) => void | Promise<void>;

/** True where the scopes cover the repository and the verb; with `refs`, for each of these full ref names. */
export type ScopeCheck = (grant: Grant, repository: string, verb: Verb, refs?: readonly string[]) => boolean;

export interface Clock {
  now(): Date;
}

/** What is to wait for people. All texts in it are scanned, and values masked, before they are kept. */
export interface ApprovalDraft {
  /** Id of the request that is held. */
  readonly request: string;
  readonly binding: ApprovalBinding;
  /** What the applier finds the held bytes by; they are durable before this is called. At most 200 characters. */
  readonly held: string;
  /** What the agent gave as its reason. */
  readonly reason: string | null;
  /** Why it is held; one at least. */
  readonly holds: readonly HoldReason[];
  /** The verdict's requirements; one at least. */
  readonly requirements: readonly ApprovalRequirement[];
  /** More that a reviewer is shown; no matched values, at most 32 KiB as JSON. */
  readonly details: { readonly [key: string]: Json };
}

export interface HeldRequest {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: Date;
  /** False where the very same operation waits already: its request goes on, and the draft's `held` is not used. */
  readonly isNew: boolean;
}

export interface ApprovalFilter {
  readonly states?: readonly ApprovalState[];
  readonly repository?: string;
  /** Principal id of the agent. */
  readonly actor?: string;
  /** True: only those with a broken glass whose review is open. */
  readonly openReview?: boolean;
  /** Only those that were made before this one, for the next page. */
  readonly before?: string;
  /** At most 200. */
  readonly limit: number;
}

/**
 * Requests that wait for people. Every change is durable, and its entry in the audit log too, before a promise fulfils
 * and before anything acts on it; where that cannot be had the promise rejects with `audit/unavailable` or
 * `database/unavailable`. Who may see a request is for the caller to check; who may decide is checked here.
 */
export interface ApprovalService {
  /**
   * Opens a request. Open requests of the same repository that share a ref with it become `superseded`. The queue is
   * told and never waited for. Rejects with `approval/too-many`, and has not opened one then, where too many requests
   * of the same actor wait.
   */
  request(draft: ApprovalDraft): Promise<HeldRequest>;
  /** How it stands now; undefined where there is none. One that has run out is `expired`, whoever noticed it first. */
  status(id: string): Promise<Approval | undefined>;
  /** Newest first. */
  list(filter: ApprovalFilter): Promise<readonly Approval[]>;
  /**
   * Fulfils when nothing can change any more: `applied`, `failed`, `stale`, `denied`, `expired`, `superseded` or
   * `cancelled`. Rejects with the signal's reason, or with `approval/unknown`; the request goes on then.
   */
  waitFor(id: string, signal: AbortSignal): Promise<Approval>;
  /** Counts a person's decision, with `approve` among the verbs of its credential for the repository. */
  vote(id: string, grant: Grant, decision: VoteDecision, comment: string | null): Promise<Approval>;
  /** Takes an approval back until it is being applied. */
  revokeVote(id: string, grant: Grant): Promise<Approval>;
  /** Withdraws the request; for those whose request it is. */
  cancel(id: string, grant: Grant, comment: string | null): Promise<Approval>;
  /** Approves alone, with `break-glass` among the verbs; alerts, and opens a review that somebody else must close. */
  breakGlass(id: string, grant: Grant, reason: string): Promise<Approval>;
  /** Closes the review of a broken glass. */
  closeReview(id: string, grant: Grant, comment: string): Promise<Approval>;
  /** Which of these `held` values belong to requests that have not ended; everything else may be deleted. */
  heldInUse(held: readonly string[]): Promise<ReadonlySet<string>>;
  /** Where people find the request. */
  urlOf(id: string): string;
}

/** How an attempt to apply ended. `note` is a sentence for the agent and the reviewers. */
export type ApplyOutcome =
  | { readonly kind: 'applied'; readonly note: string | null }
  /** The upstream, the policy or the findings are not those that were approved; nothing landed. */
  | { readonly kind: 'stale'; readonly note: string }
  | { readonly kind: 'failed'; readonly note: string }
  /** Nothing can be said now, such as with an upstream that is down; it is tried again until the request runs out. */
  | { readonly kind: 'later'; readonly note: string };

/** Does what was approved. Implemented by the part that holds the bytes; called by one worker at a time. */
export interface ApprovalApplier {
  /**
   * Applies it, with the old ids as lease; checks by itself that what it holds is what the binding says. The approval is
   * `applying` and recorded as such. The signal aborts where this worker has lost its claim or the guard stops.
   */
  apply(approval: Approval, signal: AbortSignal): Promise<ApplyOutcome>;
  /**
   * Finds out what became of an earlier attempt whose end is not known, without changing anything: `untouched` where
   * nothing has landed and `apply` may be called again.
   */
  settle(approval: Approval, signal: AbortSignal): Promise<ApplyOutcome | { readonly kind: 'untouched' }>;
  /** Lets go of the held bytes of a request that has ended; may be called again. */
  discard(approval: Approval): Promise<void>;
}

/** Shows what a held request would change. Implemented by the part that holds the bytes. */
export interface HeldChanges {
  /**
   * One page of the changes, computed now and masked, within `changesCaps`. `after` is null or the `next` of an earlier
   * page; anything else is `input/invalid`. Rejects with a `GuardError`.
   */
  changes(approval: Approval, after: string | null, signal: AbortSignal): Promise<HeldChangesAnswer>;
}

/** Reads the difference of two commits from an upstream, through Git and whole files, and scans it. */
export interface ChangeScanner {
  /** Rejects with `route/unknown-repository`, `git/limit`, `scan/failed` or an `upstream/…` error. */
  scanChange(range: ChangeRange, signal: AbortSignal): Promise<ChangeScan>;
}

/** Reads the refs of an upstream as they are now, through Git. */
export interface RemoteRefs {
  /** `<forge>/<owner>/…/<repo>` without `.git`. Rejects with `route/unknown-repository` or an `upstream/…` error. */
  refsOf(repository: string, signal: AbortSignal): Promise<RemoteRefList>;
}

export interface RemoteRefList {
  /** Full name of the branch that HEAD names; undefined where there is none. */
  readonly defaultBranch: string | undefined;
  /** Full names; HEAD is left out. */
  readonly refs: readonly { readonly name: string; readonly oid: Oid }[];
}

/** Things about a request that somebody is told. */
export type ApprovalTopic =
  'requested' | 'reminder' | 'escalated' | 'glass-broken' | 'glass-reviewed' | 'vote-revoked' | ApprovalState;

export interface ApprovalNotice {
  /** Unique and the same at each attempt, for receivers that must tell repetitions apart. */
  readonly id: string;
  readonly topic: ApprovalTopic;
  /** As it stands now, which may be further on than the topic. */
  readonly approval: Approval;
  readonly url: string;
}

/** An entry of the audit log. */
export interface RecordedEvent {
  /** 0-based index in the log. */
  readonly index: number;
  readonly time: Date;
  readonly event: AuditEvent;
}

/** Sealed texts of the audit log that somebody wants destroyed: those of a repository and month (`YYYY-MM`, UTC). */
export interface ShredWish {
  readonly repository: string;
  readonly month: string;
  readonly reason: string;
}

export interface Shred {
  readonly id: string;
  readonly repository: string;
  readonly month: string;
  readonly state: 'requested' | 'destroyed';
}

/** Destroys sealed texts: one person asks, another approves. `request` is the id of the request that asks. */
export interface AuditShredding {
  request(grant: Grant, request: string, wish: ShredWish): Promise<Shred>;
  /** Rejects with `approval/involved` for the one who asked. */
  approve(grant: Grant, request: string, shred: string): Promise<Shred>;
}

/** Reads the audit log from anywhere on, for what acts on it; nothing is skipped. */
export interface AuditFeed {
  /** How many entries there are. */
  size(): Promise<number>;
  /** Entries from this index on, in order, `limit` at most. */
  read(from: number, limit: number): Promise<readonly RecordedEvent[]>;
  /** The entries at these indices, in order; those that are not there are left out. */
  at(indices: readonly number[]): Promise<readonly RecordedEvent[]>;
}

/** Tells people. Called at least once for each notice; a rejection is tried again for a while. */
export interface ApprovalNotifier {
  notify(notice: ApprovalNotice, signal: AbortSignal): Promise<void>;
}
