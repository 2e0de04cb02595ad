// What was done, by session and by attempt, as a port between the part that derives it from the audit log and those who
// show it. Who may see what is for the caller to decide.
import type { Counts } from './counts.ts';
import type { Facts, Outcome } from './attempt.ts';
import type { SessionState } from './session.ts';

export interface Session {
  readonly id: string;
  readonly actor: string;
  readonly kind: string;
  readonly issuer: string;
  /** Nearest first; the person who answers for it is last. */
  readonly onBehalfOf: readonly string[];
  /** Id of the token or session that was shown; never the token. */
  readonly credential: string;
  readonly proof: string;
  /** Who answers for the credential; null where no entry says so. */
  readonly owner: string | null;
  /** Entries of the log; the first one names the session in lists. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly startedAt: Date;
  readonly activeAt: Date;
  readonly entries: number;
  readonly waiting: number;
  readonly state: SessionState;
  readonly repositories: Readonly<Record<string, Counts>>;
}

export interface SessionFilter {
  readonly actor?: string;
  /** Somebody for whom the actor acted, or the actor itself. */
  readonly person?: string;
  readonly repository?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly state?: SessionState;
  /** Only sessions whose first entry is before this one, for the next page. */
  readonly before?: number;
  readonly limit: number;
}

export interface Attempt {
  readonly request: string;
  readonly session: string;
  readonly family: string;
  readonly repository: string | null;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly at: Date;
  readonly endedAt: Date | null;
  readonly outcome: Outcome;
  readonly facts: Facts;
}

/** What somebody did in one repository. */
export interface ActorRepository {
  readonly repository: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly counts: Counts;
}

/** A push that went around the guard, whoever it was. */
export interface BypassRecord {
  readonly request: string;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** When the guard noticed it. */
  readonly at: Date;
  readonly repository: string | null;
  /** Principal id; null where nobody is known. */
  readonly actor: string | null;
  readonly facts: Facts;
}

export interface BypassFilter {
  readonly actor?: string;
  readonly repository?: string;
  /** True: only those of which nobody can tell whose they were. */
  readonly unknown?: boolean;
  readonly from?: Date;
  readonly to?: Date;
  /** Only those whose first entry is before this one, for the next page. */
  readonly before?: number;
  readonly limit: number;
}

export const traitKinds = ['address', 'person', 'owner', 'issuer'] as const;
export type TraitKind = (typeof traitKinds)[number];

/** Something that an actor was seen with. */
export interface Trait {
  readonly kind: TraitKind;
  readonly value: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly entries: number;
}

export interface Actor {
  readonly actor: string;
  readonly kind: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly sessions: number;
  readonly repositories: readonly ActorRepository[];
  readonly traits: readonly Trait[];
}

export interface Period {
  /** Begins here. */
  readonly from: Date;
  /** Ends before this. */
  readonly to: Date;
}

/** How much of the log is in what is answered. */
export interface Coverage {
  /** Entries of the log that were read. */
  readonly entries: number;
  /** Entries that the log has beyond those. */
  readonly behind: number;
}

export interface ActivityService {
  /** Waits until all that is in the log now was read, for a bounded time; says how far it came. */
  catchUp(signal?: AbortSignal): Promise<Coverage>;
  /** Newest first; `limit` at most. */
  sessions(filter: SessionFilter): Promise<readonly Session[]>;
  session(id: string): Promise<Session | undefined>;
  /** Attempts of a session in the order of the log, from behind the entry `after`. */
  attempts(session: string, after: number, limit: number): Promise<readonly Attempt[]>;
  /** Pushes around the guard, newest first; `limit` at most. */
  bypasses(filter: BypassFilter): Promise<readonly BypassRecord[]>;
  /** Entries of attempts, in the order of the log; a bounded number. */
  entriesOf(requests: readonly string[]): Promise<readonly EntryOfAttempt[]>;
  /** Everybody who was seen to act, by name, from behind the name `after`. */
  actors(after: string, limit: number): Promise<readonly Actor[]>;
  actor(id: string): Promise<Actor | undefined>;
  /** An actor's attempts that began in a period, oldest first, from behind the entry `after`. */
  attemptsOf(actor: string, period: Period, after: number, limit: number): Promise<readonly Attempt[]>;
  /** Entries about approvals that an actor's attempts needed, of a period, from behind the entry `after`. */
  approvalEntriesOf(actor: string, period: Period, after: number, limit: number): Promise<readonly number[]>;
  /** How many attempts an actor began in each hour of the day (UTC, 24 numbers) of a period. */
  hoursOf(actor: string, period: Period): Promise<readonly number[]>;
  /** How many attempts an actor began on each day (UTC) of a period on which there were any. */
  daysOf(
    actor: string,
    period: Period,
  ): Promise<readonly { readonly day: string; readonly attempts: number }[]>;
  /** How many sessions of an actor were going on in a period. */
  sessionCountOf(actor: string, period: Period): Promise<number>;
  /** How many fetches of an actor were served in a period. */
  fetchCountOf(actor: string, period: Period): Promise<number>;
}

export interface EntryOfAttempt {
  readonly index: number;
  readonly request: string;
  readonly action: string;
}
