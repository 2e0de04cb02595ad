// Puts the people part together: the directory, and SCIM where a directory manages it.
import type { FastifyInstance } from 'fastify';
import type { Dependents, PeopleDirectory } from '../../core/people-services.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import type { Database } from '../db.ts';
import type { PeopleSettings } from '../web-login-types.ts';
import { createDirectory } from './directory.ts';
import { scimRoutes } from './scim/routes.ts';

export interface PeopleOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly settings: PeopleSettings;
  /** What stops with a person. */
  readonly dependents: readonly Dependents[];
  /** Base URL of the guard, without a trailing slash. */
  readonly guardUrl: () => string;
}

export interface PeoplePart {
  readonly directory: PeopleDirectory;
  readonly plugin: (app: FastifyInstance) => Promise<void>;
}

/** The part; it opens nothing. */
export function createPeople(options: PeopleOptions): PeoplePart {
  const { database, clock, audit, settings, dependents, guardUrl } = options;
  const { roles, memberGroups, scimToken: token } = settings;
  const directory = createDirectory({ database, clock, audit, roles, memberGroups, dependents });
  return {
    directory,
    plugin: async (app) => {
      if (token === undefined) return;
      const base = (): string => `${guardUrl()}/scim/v2`;
      await app.register(scimRoutes({ database, clock, audit, directory, base, token }));
    },
  };
}
