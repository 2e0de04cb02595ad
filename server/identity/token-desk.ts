// The tokens of people's agents, for the people themselves: to see, to issue, to revoke, and to stop with the person.
import type { Dependents, SessionMint, TokenDesk } from '../../core/people-services.ts';
import type { Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import {
  listOwnedTokens,
  listTokensBehind,
  revokeIssuedBy,
  revokeTokensBehind,
} from './owned-token-store.ts';
import { createTokenOffice, type TokenOfficeOptions } from './tokens.ts';

const mostListed = 300;
/** Seconds. */
const sessionLifetime = 900;

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

/** Session tokens for agents that a person has permitted: they live a quarter of an hour and end with the permission. */
export function createSessionMint(options: TokenOfficeOptions): SessionMint {
  const office = createTokenOffice(options);
  return {
    open: async ({ agent, person, scopes, permission }) => {
      const { token, record } = await office.issue({
        kind: 'agent',
        name: agent,
        owner: person,
        purpose: 'session of an agent that was let in with a code',
        groups: [],
        onBehalfOf: [person],
        scopes: copied(scopes),
        lifetime: Math.min(sessionLifetime, options.maxLifetime),
        issuedBy: `permission:${permission}`,
      });
      return { token: token.reveal(), expiresAt: record.expiresAt };
    },
    end: (permission) =>
      revokeIssuedBy(options.database, `permission:${permission}`, options.clock.now(), 'guard'),
  };
}

/** The tokens as something that stops with a person. */
export function tokenDependents(database: Queryable, clock: Clock): Dependents {
  return {
    name: 'tokens',
    list: (person) => listTokensBehind(database, person, clock.now(), mostListed),
    stop: (person, by) => revokeTokensBehind(database, person, clock.now(), by.id),
  };
}

function copied(scopes: Parameters<TokenDesk['issueFor']>[1]['scopes']) {
  return scopes.map(({ repository, verbs, refs }) => ({
    repository,
    verbs: [...verbs],
    ...(refs === undefined ? {} : { refs: [...refs] }),
  }));
}
