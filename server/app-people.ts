// The people of the guard, put together for app.ts: the directory, SCIM, the web pages, and what stops with a person.
import type { FastifyInstance } from 'fastify';
import type { Dependents } from '../core/people-services.ts';
import type { ActivityService } from '../core/activity/service.ts';
import type { PostureService } from '../core/posture.ts';
import type { OperationKind } from '../core/operation.ts';
import type { ApprovalService, AuditLog, Clock, HeldChanges } from '../core/services.ts';
import { requestDependents } from './approvals/dependents.ts';
import type { Config } from './config.ts';
import type { Database } from './db.ts';
import type { GrantType } from './identity/grant-type.ts';
import { permissionGrantTypes } from './identity/permission-grants.ts';
import type { SessionOffice } from './identity/sessions.ts';
import { createSessionMint, createTokenDesk, tokenDependents } from './identity/token-desk.ts';
import { createPeople } from './people/part.ts';
import { permissionDependents } from './web/device-flow.ts';
import { createWeb, type WebPart } from './web/part.ts';
import { sessionDependents } from './web/sessions.ts';

export interface PeopleAppOptions {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly approvals: ApprovalService;
  readonly sessions: SessionOffice;
  /** Who shows what a held operation would change, by its kind. */
  readonly changes: Readonly<Partial<Record<OperationKind, HeldChanges>>>;
  readonly posture: PostureService;
  readonly activity: Pick<ActivityService, 'bypasses' | 'catchUp'>;
  /** Base URL of the guard, without a trailing slash. */
  readonly guardUrl: () => string;
}

export interface PeopleApp extends AsyncDisposable {
  /** Undefined where no identity provider is configured: nobody can sign in then. */
  readonly web: WebPart | undefined;
  /** For the token endpoint. */
  readonly grantTypes: readonly GrantType[];
  readonly plugin: (app: FastifyInstance) => Promise<void>;
}

/** Opens it; dispose of it before the database. */
export async function openPeople(options: PeopleAppOptions): Promise<PeopleApp> {
  const { config, database, clock, audit, approvals, sessions, changes, guardUrl } = options;
  const settings = config.people;
  const dependents: readonly Dependents[] = [
    sessionDependents({ database, clock, limits: settings.session }),
    permissionDependents({ database, clock }),
    tokenDependents(database, clock),
    requestDependents(approvals),
  ];
  const people = createPeople({ database, clock, audit, settings, dependents, guardUrl });
  const { directory } = people;
  const office = { database, clock, maxLifetime: config.identity.tokens.maxLifetime };
  const { publicUrl } = config;
  const web =
    settings.providers.length === 0 || publicUrl === undefined
      ? undefined
      : await createWeb({
          database,
          clock,
          audit,
          directory,
          settings,
          publicUrl,
          tokens: createTokenDesk(office),
          approvals,
          changes,
          posture: options.posture,
          activity: options.activity,
          mint: createSessionMint({ database, clock, sessions }),
        });
  return {
    web,
    grantTypes: web === undefined ? [] : permissionGrantTypes(web.devices),
    plugin: async (app) => {
      await app.register(people.plugin);
      if (web !== undefined) await app.register(web.plugin);
    },
    [Symbol.asyncDispose]: async () => web?.[Symbol.asyncDispose](),
  };
}
