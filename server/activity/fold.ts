// Folds entries of the audit log, in order, into sessions, attempts and counts. Knows no database: it is given what is
// known about what the entries name, and changes that.
import { addCounts, type CountName, type Counts, noCounts } from '../../core/activity/counts.ts';
import { foldFacts, foldOutcome, isWaiting } from '../../core/activity/attempt.ts';
import type { Attempt, Session, TraitKind } from '../../core/activity/service.ts';
import { continues, familyOf, isAct, sessionId, sessionKey } from '../../core/activity/session.ts';
import type { Principal } from '../../core/principal.ts';
import type { RecordedEvent } from '../../core/services.ts';

/** A session as it is stored: by the digest of who acts; its state follows from the time. */
export interface SessionRow extends Omit<Session, 'state'> {
  readonly key: string;
}

export interface AttemptRow extends Attempt {
  readonly actor: string;
}

export interface EntryRow {
  readonly index: number;
  readonly session: string;
  readonly request: string;
  readonly actor: string;
  readonly action: string;
  readonly at: Date;
}

/** What is to be added to what is known of an actor. */
export interface ActorDelta {
  readonly actor: string;
  readonly kind: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly sessions: number;
}

export interface RepositoryDelta {
  readonly actor: string;
  readonly repository: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly counts: Counts;
}

export interface TraitDelta {
  readonly actor: string;
  readonly kind: TraitKind;
  readonly value: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly entries: number;
}

/** What is known before the entries: sessions by id, the newest session of each key, attempts by request. */
export interface Known {
  readonly sessions: ReadonlyMap<string, SessionRow>;
  readonly newest: ReadonlyMap<string, string>;
  readonly attempts: ReadonlyMap<string, AttemptRow>;
}

export interface Folded {
  readonly sessions: readonly SessionRow[];
  readonly attempts: readonly AttemptRow[];
  readonly entries: readonly EntryRow[];
  readonly actors: readonly ActorDelta[];
  readonly repositories: readonly RepositoryDelta[];
  readonly traits: readonly TraitDelta[];
}

const longestText = 512;
const longestAddress = 64;
/** Repositories that one session is counted by; entries about more are counted without a name. */
const mostRepositories = 1_000;

/** What an action counts as. */
const countedAs: Readonly<Record<string, CountName>> = {
  received: 'pushes',
  held: 'held',
  forwarded: 'forwarded',
  refused: 'refused',
  unknown: 'unknown',
  detected: 'bypasses',
};

function countsOf({ event }: RecordedEvent): Partial<Counts> {
  const { action, details } = event;
  const family = familyOf(action);
  if (family === 'approval') return { entries: 1 };
  if (family === 'fetch')
    return action === 'fetch.served' ? { entries: 1, fetches: 1 } : { entries: 1, refused: 1 };
  const findings = details['findingCount'];
  const name = countedAs[action.slice(family.length + 1)];
  return {
    entries: 1,
    ...(name === undefined ? {} : { [name]: 1 }),
    // What was held and is decided once more has the same findings.
    ...(typeof findings === 'number' && details['approval'] === undefined ? { findings } : {}),
  };
}

class Fold {
  readonly #sessions = new Map<string, SessionRow>();
  readonly #newest: Map<string, string>;
  readonly #attempts = new Map<string, AttemptRow>();
  readonly #entries: EntryRow[] = [];
  readonly #actors = new Map<string, ActorDelta>();
  readonly #repositories = new Map<string, RepositoryDelta>();
  readonly #traits = new Map<string, TraitDelta>();
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
    this.#newest = new Map(known.newest);
  }

  add(recorded: RecordedEvent): void {
    const attempt = this.#attempt(recorded.event.request);
    const own = attempt === undefined ? undefined : this.#session(attempt.session);
    if (own !== undefined) {
      this.#put(recorded, own, attempt);
      return;
    }
    const { actor } = recorded.event;
    if (actor !== null && isAct(recorded.event))
      this.#put(recorded, this.#sessionFor(recorded, actor), undefined);
  }

  result(): Folded {
    return {
      sessions: [...this.#sessions.values()],
      attempts: [...this.#attempts.values()],
      entries: this.#entries,
      actors: [...this.#actors.values()],
      repositories: [...this.#repositories.values()],
      traits: [...this.#traits.values()],
    };
  }

  #attempt(request: string): AttemptRow | undefined {
    return this.#attempts.get(request) ?? this.#known.attempts.get(request);
  }

  #session(id: string | undefined): SessionRow | undefined {
    return id === undefined ? undefined : (this.#sessions.get(id) ?? this.#known.sessions.get(id));
  }

  /** The session that the act belongs to: the one that goes on, or one that begins with it. */
  #sessionFor({ index, time, event }: RecordedEvent, actor: Principal): SessionRow {
    const key = sessionKey(actor);
    const open = this.#session(this.#newest.get(key));
    if (open !== undefined && continues(open, time)) return open;
    const id = sessionId(key, index);
    const owner = event.details['owner'];
    this.#newest.set(key, id);
    this.#see(actor, time, 1);
    return {
      id,
      key,
      actor: actor.id,
      kind: actor.kind,
      issuer: actor.issuer,
      onBehalfOf: actor.onBehalfOf,
      credential: actor.session,
      proof: actor.proof,
      owner: typeof owner === 'string' ? owner.slice(0, longestText) : null,
      firstIndex: index,
      lastIndex: index,
      startedAt: time,
      activeAt: time,
      entries: 0,
      waiting: 0,
      repositories: {},
    };
  }

  #put(recorded: RecordedEvent, session: SessionRow, before: AttemptRow | undefined): void {
    const { index, time, event } = recorded;
    const { request, action, repository, actor } = event;
    const after = this.#fold(recorded, session, before);
    if (after !== undefined) this.#attempts.set(request, after);
    const waits = (row: AttemptRow | undefined): number =>
      row !== undefined && isWaiting(row.facts) ? 1 : 0;
    const counts = countsOf(recorded);
    // What is done for it later, such as after an approval, is not the actor's doing at that time.
    const acts = isAct(event) && continues(session, time);
    const owner = event.details['owner'];
    this.#sessions.set(session.id, {
      ...session,
      lastIndex: index,
      activeAt: acts ? time : session.activeAt,
      entries: session.entries + 1,
      waiting: session.waiting + waits(after) - waits(before),
      owner: session.owner ?? (acts && typeof owner === 'string' ? owner.slice(0, longestText) : null),
      repositories:
        repository === null ? session.repositories : counted(session.repositories, repository, counts),
    });
    this.#entries.push({ index, session: session.id, request, actor: session.actor, action, at: time });
    if (repository !== null) this.#count(session.actor, repository, time, counts);
    if (actor !== null && acts) {
      this.#see(actor, time, 0);
      this.#traitsOf(actor, recorded);
    }
  }

  #fold(
    recorded: RecordedEvent,
    session: SessionRow,
    before: AttemptRow | undefined,
  ): AttemptRow | undefined {
    const { index, time, event } = recorded;
    const family = familyOf(event.action);
    if (before === undefined && family === 'fetch') return undefined;
    const row: AttemptRow = before ?? {
      request: event.request,
      session: session.id,
      actor: session.actor,
      family,
      repository: event.repository,
      firstIndex: index,
      lastIndex: index,
      at: time,
      endedAt: null,
      outcome: 'open',
      facts: {},
    };
    const outcome = foldOutcome(row.outcome, event.action);
    return {
      ...row,
      lastIndex: index,
      outcome,
      endedAt: outcome === row.outcome ? row.endedAt : time,
      facts: foldFacts(row.facts, event),
    };
  }

  #see({ id, kind }: Principal, time: Date, sessions: number): void {
    const seen = this.#actors.get(id) ?? { actor: id, kind, firstAt: time, lastAt: time, sessions: 0 };
    this.#actors.set(id, { ...seen, lastAt: time, sessions: seen.sessions + sessions });
  }

  #count(actor: string, repository: string, time: Date, counts: Partial<Counts>): void {
    const key = JSON.stringify([actor, repository]);
    const row = this.#repositories.get(key) ?? {
      actor,
      repository,
      firstAt: time,
      lastAt: time,
      counts: noCounts,
    };
    this.#repositories.set(key, { ...row, lastAt: time, counts: addCounts(row.counts, counts) });
  }

  #traitsOf({ id, issuer, onBehalfOf }: Principal, { time, event }: RecordedEvent): void {
    const { address, owner } = event.details;
    const values: readonly (readonly [TraitKind, unknown])[] = [
      ['issuer', issuer],
      ['address', typeof address === 'string' ? address.slice(0, longestAddress) : undefined],
      ['owner', owner],
      ...onBehalfOf.map((person) => ['person', person] as const),
    ];
    for (const [kind, value] of values) {
      if (typeof value !== 'string' || value === '') continue;
      const key = JSON.stringify([id, kind, value]);
      const row = this.#traits.get(key) ?? {
        actor: id,
        kind,
        value,
        firstAt: time,
        lastAt: time,
        entries: 0,
      };
      this.#traits.set(key, { ...row, lastAt: time, entries: row.entries + 1 });
    }
  }
}

function counted(
  repositories: SessionRow['repositories'],
  repository: string,
  counts: Partial<Counts>,
): SessionRow['repositories'] {
  const known = repositories[repository];
  if (known === undefined && Object.keys(repositories).length >= mostRepositories) return repositories;
  return { ...repositories, [repository]: addCounts(known ?? noCounts, counts) };
}

/** What the entries, which follow one another in the log, add to what is known. */
export function foldEntries(known: Known, entries: readonly RecordedEvent[]): Folded {
  const fold = new Fold(known);
  for (const entry of entries) fold.add(entry);
  return fold.result();
}
