// Web sessions: begun at a sign-in, bound to a random cookie of which only the hash is kept, ended by rest, by age, by
// their person, or with the person's access.
import { createHash, randomBytes } from 'node:crypto';
import { GuardError } from '../../core/errors.ts';
import type { Person, ProvedAccount } from '../../core/person.ts';
import type { Grant } from '../../core/principal.ts';
import type { BrowserRequest, Dependents } from '../../core/people-services.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import type { PeopleDirectory, WebSessions } from '../../core/people-services.ts';
import type { Queryable } from '../db.ts';
import { readCookie } from './cookies.ts';
import { csrfTokenOf, demandOwnPage } from './request-origin.ts';
import {
  endSession,
  endSessions,
  findSession,
  insertSession,
  listSessions,
  noteSeen,
} from './session-store.ts';
import type { SessionRecord } from './session-store.ts';

export interface SessionsOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  /** Seconds. */
  readonly limits: { readonly idle: number; readonly absolute: number };
}

/** Somebody who is signed in, at one of the guard's pages. */
export interface Visitor {
  readonly session: SessionRecord;
  readonly person: Person;
  readonly grant: Grant;
  /** The token that the forms of the page carry. */
  readonly csrf: string;
}

export interface Sessions extends WebSessions {
  /** Who sends the request; undefined where nobody is signed in. Rejects with `web/cross-site`. */
  visitor(request: BrowserRequest): Promise<Visitor | undefined>;
  /** Begins a session, recorded first; returns the value of its cookie. */
  start(
    person: Person,
    account: ProvedAccount,
    from: { readonly address: string; readonly userAgent: string },
  ): Promise<string>;
  /** The person's sessions, newest first. */
  list(person: string): Promise<readonly SessionRecord[]>;
  /** Ends one of the person's sessions. */
  end(id: string, grant: Grant): Promise<void>;
}

/** How precisely the time of the last request is kept, in ms. */
const seenPrecision = 15_000;

function hashOf(cookie: string): Buffer {
  return createHash('sha256').update(cookie).digest();
}

/** The sessions as something that ends with its person. */
export function sessionDependents({ database, clock, limits }: Omit<SessionsOptions, 'audit'>): Dependents {
  return {
    name: 'sessions',
    list: async (person) =>
      (await listSessions(database, person, clock.now(), limits.idle)).map(({ id }) => id),
    stop: (person) => endSessions(database, person, clock.now()),
  };
}

/** The sessions in the database. `origin` is the guard's own. */
export function createSessions(
  options: SessionsOptions & { readonly directory: PeopleDirectory; readonly origin: string },
): Sessions {
  const { database, clock, audit, limits, directory, origin } = options;

  async function visitor(request: BrowserRequest): Promise<Visitor | undefined> {
    const cookie = readCookie(request.cookie, 'session');
    if (cookie === undefined) return undefined;
    const now = clock.now();
    const session = await findSession(database, hashOf(cookie), now, limits.idle);
    if (session === undefined) return undefined;
    demandOwnPage(request, cookie, origin);
    const person = await directory.find(session.person);
    if (person?.active !== true) return undefined;
    if (now.getTime() - session.seenAt.getTime() > seenPrecision) await noteSeen(database, session.id, now);
    const { issuer, subject } = session;
    const grant = directory.grantOf(person, { issuer, subject, session: session.id, proof: 'web' });
    return { session, person, grant, csrf: csrfTokenOf(cookie) };
  }

  return {
    visitor,
    authenticate: async (request) => {
      if (readCookie(request.cookie, 'session') === undefined) return undefined;
      const found = await visitor(request);
      if (found === undefined) throw new GuardError('web/signed-out', 'the web session has ended');
      return found.grant;
    },
    start: async (person, account, from) => {
      const now = clock.now();
      const cookie = randomBytes(32).toString('base64url');
      const session: SessionRecord = {
        id: `ses-${randomBytes(8).toString('hex')}`,
        person: person.id,
        provider: account.provider,
        issuer: account.issuer,
        subject: account.subject,
        amr: account.amr.slice(0, 20),
        acr: account.acr,
        address: from.address.slice(0, 100),
        userAgent: from.userAgent.slice(0, 300),
        createdAt: now,
        seenAt: now,
        expiresAt: new Date(now.getTime() + limits.absolute * 1_000),
      };
      const presence = {
        issuer: account.issuer,
        subject: account.subject,
        session: session.id,
        proof: 'web',
      } as const;
      await audit.append({
        action: 'session.started',
        request: randomBytes(8).toString('hex'),
        actor: directory.grantOf(person, presence).principal,
        repository: null,
        details: {
          session: session.id,
          provider: account.provider,
          proof: account.proof,
          amr: session.amr,
          acr: session.acr,
          address: session.address,
          roles: directory.rolesOf(person).map(({ role, repositories }) => ({ role, repositories })),
          expiresAt: session.expiresAt.toISOString(),
        },
      });
      await insertSession(database, session, hashOf(cookie));
      return cookie;
    },
    list: (person) => listSessions(database, person, clock.now(), limits.idle),
    end: async (id, { principal }) => {
      if (!(await endSession(database, id, principal.id, clock.now()))) return;
      // It has ended whether or not this can be recorded: what is lost then is only that somebody wanted it.
      await audit.append({
        action: 'session.ended',
        request: randomBytes(8).toString('hex'),
        actor: principal,
        repository: null,
        details: { session: id },
      });
    },
  };
}
