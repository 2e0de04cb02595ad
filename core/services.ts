// The few ports between the parts. server/app.ts is the only place that knows who implements which.
import type { ScanResult, ScanTarget } from '../scanners/target.ts';
import type { AuditEvent } from './audit-event.ts';
import type { Operation } from './operation.ts';
import type { Grant, Verb } from './principal.ts';
import type { Verdict } from './verdict.ts';

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
   * `.forwarded`, `.refused` or `.unknown` closes it, in the same transaction.
   */
  append(event: AuditEvent): Promise<AuditReceipt>;
  /** Attempts without an outcome, oldest first; those of this process's own running requests included. */
  openAttempts(): Promise<readonly OpenAttempt[]>;
}

/** Scans bytes in worker threads. Findings carry the target's path. */
export interface ScanService {
  /** Changes whenever a rule changes. Results are kept only as long as the process, in which it never changes. */
  readonly catalogDigest: string;
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
}

export interface IdentityService {
  /**
   * Proves who sends a request from its `Authorization` header (HTTP Basic with any user name and the token as
   * password, or Bearer). Rejects with `identity/missing` or `identity/invalid`.
   */
  authenticate(authorization: string | undefined): Promise<Grant>;
}

export interface PolicyService {
  /** SHA-256 of the text in force, hex. */
  readonly digest: string;
  decide(operation: Operation, now: Date): Verdict;
  /** True where some rule that could match this operation asks about changed paths. */
  asksAboutPaths(operation: Omit<Operation, 'paths' | 'findings'>): boolean;
}

/** Told of each step of a walk as it is entered; for metrics, traces and tests of crash safety. */
export type StepObserver = (step: string, request: string) => void | Promise<void>;

/** True where one of the scopes covers the repository and the verb. */
export type ScopeCheck = (grant: Grant, repository: string, verb: Verb) => boolean;

export interface Clock {
  now(): Date;
}
