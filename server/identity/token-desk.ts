// The tokens of people's agents, for the people themselves: to see, to issue, to revoke, and to stop with the person.
import type { Dependents, SessionMint, TokenDesk } from '../../core/people-services.ts';
import type { Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import {
  listOwnedTokens,
  listTokensBehind,
  revokeSessionsOf,
  revokeTokensBehind,
} from './owned-token-store.ts';
import { createRevocationOffice } from './revocations.ts';
import type { SessionOffice } from './sessions.ts';
import { createTokenOffice, type TokenOfficeOptions } from './tokens.ts';

const mostListed = 300;

/** The desk over the office of tokens. */
export function createTokenDesk(options: TokenOfficeOptions): TokenDesk {
  const office = createTokenOffice(options);
  return {
    listOf: (person) => listOwnedTokens(options.database, person, mostListed),
    issueFor: async (person, { agent, purpose, scopes, lifetime }) => {
      const { token, record } = await office.issue({
        kind: 'agent',
        name: agent.replace(/^agent:/, ''),
        owner: person,
        purpose,
        groups: [],
        onBehalfOf: [person],
        scopes: copied(scopes),
        lifetime: Math.min(lifetime, options.maxLifetime),
        issuedBy: person,
      });
      return { token: token.reveal(), record };
    },
    revoke: async (id, by) => void (await office.revoke(id, by)),
  };
}

export interface SessionMintOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly sessions: SessionOffice;
}

/** Session tokens for agents that a person has permitted: they live a quarter of an hour and end with the permission. */
export function createSessionMint({ database, clock, sessions }: SessionMintOptions): SessionMint {
  return {
    open: async ({ agent, person, scopes, permission }) => {
      const { token, grant } = await sessions.open({
        principal: {
          kind: 'agent',
          id: `agent:${agent}`,
          issuer: 'guard',
          subject: agent,
          groups: [],
          onBehalfOf: [person],
          delegation: [{ id: person, issuer: 'guard', subject: person.slice('human:'.length), proof: 'web' }],
          session: permission.id,
          proof: 'web',
        },
        owner: person,
        scopes,
        since: permission.createdAt,
        parents: [permission.id],
        facts: { how: 'permitted with a code', permission: permission.id },
      });
      return { token: token.reveal(), grant };
    },
    end: (permission) => revokeSessionsOf(database, permission, clock.now(), 'guard'),
  };
}

/** Tokens and sessions as something that stops with a person: what is in use, too, and what is under way. */
export function tokenDependents(database: Queryable, clock: Clock): Dependents {
  const revocations = createRevocationOffice(database, clock);
  return {
    name: 'tokens',
    list: (person) => listTokensBehind(database, person, clock.now(), mostListed),
    stop: async (person, by) => {
      await revokeTokensBehind(database, person, clock.now(), by.id);
      await revocations.revokePrincipal(person, by.id);
    },
  };
}

function copied(scopes: Parameters<TokenDesk['issueFor']>[1]['scopes']) {
  return scopes.map(({ repository, verbs, refs }) => ({
    repository,
    verbs: [...verbs],
    ...(refs === undefined ? {} : { refs: [...refs] }),
  }));
}
