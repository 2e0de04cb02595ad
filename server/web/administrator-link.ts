// The one-time link of the first administrator. There is no account to begin with: whoever opens the link that the guard
// prints at its start, and signs in, is given the role. It holds for an hour, once, and only its hash is kept.
import { createHash, randomBytes } from 'node:crypto';
import type { PeopleDirectory } from '../../core/people-services.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { insertLink, isLinkOpen, useLink } from './login-store.ts';

export interface LinkOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly directory: PeopleDirectory;
}

export interface AdministratorLinks {
  /** A new secret for a link, recorded first; undefined where somebody is an administrator already. */
  issue(): Promise<string | undefined>;
  isOpen(secret: string): Promise<boolean>;
  /** Uses the link for this person; false where it cannot be used. */
  use(secret: string, person: string): Promise<boolean>;
}

/** For how long a link holds, in seconds. */
export const linkLifetime = 3_600;
export const administratorWhy = 'one-time link of the first administrator';

/** Links kept in the database. */
export function createAdministratorLinks(options: LinkOptions): AdministratorLinks {
  const { database, clock, audit, directory } = options;
  const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();
  return {
    issue: async () => {
      if (await directory.isRoleHeld('security-admin')) return undefined;
      const secret = randomBytes(32).toString('base64url');
      const now = clock.now();
      const expiresAt = new Date(now.getTime() + linkLifetime * 1_000);
      await audit.append({
        action: 'administrator-link.issued',
        request: randomBytes(8).toString('hex'),
        actor: null,
        repository: null,
        details: { expiresAt: expiresAt.toISOString() },
      });
      await insertLink(database, hashOf(secret), now, expiresAt);
      return secret;
    },
    isOpen: (secret) => isLinkOpen(database, hashOf(secret), clock.now()),
    use: async (secret, person) => {
      // A link that lies about must not make a second one.
      if (await directory.isRoleHeld('security-admin')) return false;
      return useLink(database, hashOf(secret), person, clock.now());
    },
  };
}
