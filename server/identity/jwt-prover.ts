// Proves tokens of trusted issuers. Each is kept by an id, so that it can be revoked and so that a copy of it is of
// little use: one that is good once (`reuse: never`) is exchanged once or used for one repository, and not both. The audit
// log knows of a token before it is honoured.
import { hash } from 'node:crypto';
import type { Json } from '../../core/audit-event.ts';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Grant, Principal } from '../../core/principal.ts';
import { claimValues } from '../claim-template.ts';
import { profileOf } from '../issuer-profiles.ts';
import type { IssuerConfig } from '../issuer-types.ts';
import { type ClaimMapper, createClaimMapper, type MappedIdentity } from './claim-rules.ts';
import type { ProverOptions } from './guard-token-prover.ts';
import { involvedIn } from './involved.ts';
import { createJwtVerifier, looksLikeJwt, type VerifiedJwt } from './jwt.ts';
import {
  bindPresented,
  findPresented,
  forgetPresented,
  insertPresented,
  markExchanged,
  unmarkExchanged,
} from './presented-store.ts';
import type { Prover } from './prover.ts';
import { findRevocation, revokeSession } from './revocation-store.ts';
import { openedEvent } from './session-events.ts';
import { keptAfterExpiryMs } from './sessions.ts';
import { ShortMemory } from './short-memory.ts';

interface Known {
  readonly verified: VerifiedJwt;
  readonly mapped: MappedIdentity;
  readonly grant: Grant;
}

/** The prover for these issuers. */
export function createJwtProver(options: ProverOptions, issuers: readonly IssuerConfig[]): Prover {
  const { database, clock, audit } = options;
  const verifier = createJwtVerifier(issuers, clock);
  const mappers = new Map<string, ClaimMapper>(
    issuers.map((config) => [config.issuer, createClaimMapper(config)]),
  );
  const admitted = new ShortMemory<Known>();

  async function verify(token: string): Promise<Known> {
    const verified = await verifier.verify(token);
    const mapped = mapperOf(verified.config.issuer)(verified.claims);
    const grant = grantOf(verified, mapped);
    const revoked = await findRevocation(
      database,
      involvedIn(grant.principal, grant.owner),
      [verified.session],
      verified.issuedAt,
      clock.now(),
    );
    if (revoked !== undefined) throw refuseIdentity('revoked', verified.session);
    return { verified, mapped, grant };
  }

  function mapperOf(issuer: string): ClaimMapper {
    const mapper = mappers.get(issuer);
    if (mapper === undefined) throw refuseIdentity('unknown-issuer');
    return mapper;
  }

  /** Lets a token in for a repository, or for what is about none. */
  async function admit(known: Known, repository: string | null): Promise<void> {
    const { verified, grant } = known;
    const { session } = verified;
    const isBound = verified.config.reuse === 'never';
    const replayed = (): Error => refuseIdentity('replayed', session, { issuer: verified.config.issuer });
    const found = await findPresented(database, session);
    if (found === undefined) {
      await audit.append(openedEvent(grant, { how: 'presented', ...factsOf(known) }));
      const isNew = await insertPresented(database, {
        id: session,
        principal: grant.principal.id,
        repository: isBound ? repository : null,
        exchangedAt: null,
        firstSeen: clock.now(),
        expiresAt: verified.expiresAt,
      });
      if (isNew) return;
    }
    if (!isBound) return;
    if (repository === null) {
      // Where another request was first, what it has made of the token counts.
      const kept = found ?? (await findPresented(database, session));
      if (kept?.exchangedAt !== null) throw replayed();
    } else if (!(await bindPresented(database, session, repository))) {
      throw replayed();
    }
  }

  async function spend({ verified, grant }: Known, at: Date): Promise<(() => Promise<void>) | undefined> {
    const { session, config } = verified;
    const isOnce = config.reuse === 'never';
    // One that may come again is known as well, so that it can be revoked.
    const isNew = await insertPresented(database, {
      id: session,
      principal: grant.principal.id,
      repository: null,
      exchangedAt: isOnce ? at : null,
      firstSeen: at,
      expiresAt: verified.expiresAt,
    });
    if (!isOnce) return undefined;
    if (!isNew && !(await markExchanged(database, session, at)))
      throw refuseIdentity('replayed', session, { issuer: config.issuer });
    return () => unmarkExchanged(database, session, at);
  }

  return {
    prove: async ({ token, presented }) => {
      if (token === undefined || !looksLikeJwt(token)) return undefined;
      const repository = presented.repository?.toLowerCase() ?? null;
      const key = `${hash('sha256', token, 'base64')} ${repository ?? ''}`;
      const known = await admitted.recall(key, async () => {
        const fresh = await verify(token);
        await admit(fresh, repository);
        return fresh;
      });
      // It may have ended since it was remembered.
      if (known !== undefined && hasEnded(known.verified, clock.now()))
        throw refuseIdentity('expired', known.verified.session);
      return known?.grant;
    },
    exchange: async (token) => {
      if (!looksLikeJwt(token)) return undefined;
      const known = await verify(token);
      const mayAct = mayActOf(known);
      return {
        grant: known.grant,
        since: known.verified.issuedAt ?? clock.now(),
        parents: [known.verified.session],
        facts: factsOf(known),
        ...(mayAct === undefined ? {} : { mayAct }),
        spend: (at) => spend(known, at),
      };
    },
    revoke: async (token) => {
      if (!looksLikeJwt(token)) return false;
      const { verified, grant } = await verify(token);
      const at = clock.now();
      // Also one that was never used: it is known from now on.
      await insertPresented(database, {
        id: verified.session,
        principal: grant.principal.id,
        repository: null,
        exchangedAt: null,
        firstSeen: at,
        expiresAt: verified.expiresAt,
      });
      return revokeSession(database, verified.session, at, 'its holder');
    },
    upkeep: () => forgetPresented(database, new Date(clock.now().getTime() - keptAfterExpiryMs)),
    [Symbol.asyncDispose]: () => verifier[Symbol.asyncDispose](),
  };
}

function hasEnded({ expiresAt, config }: VerifiedJwt, now: Date): boolean {
  return now.getTime() >= expiresAt.getTime() + config.clockSkew * 1_000;
}

function grantOf(verified: VerifiedJwt, mapped: MappedIdentity): Grant {
  const principal: Principal = {
    kind: mapped.kind,
    id: mapped.id,
    issuer: verified.config.issuer,
    subject: verified.subject,
    groups: mapped.groups,
    onBehalfOf: mapped.delegation.map(({ id }) => id),
    delegation: mapped.delegation,
    session: verified.session,
    proof: 'oidc',
  };
  return { principal, owner: mapped.owner, scopes: mapped.scopes, expiresAt: verified.expiresAt };
}

const longestValue = 300;

/** What the log keeps of the token: the run or machine it came from. */
function factsOf({ verified, mapped }: Known): Readonly<Record<string, Json>> {
  const names = profileOf(verified.config.profile).recorded;
  const claims = names.flatMap((name) => {
    const [value] = claimValues(mapped.claims, name);
    return value === undefined ? [] : [[name, value.slice(0, longestValue)] as const];
  });
  return { token: verified.session, rule: mapped.rule, claims: Object.fromEntries(claims) };
}

function mayActOf({ verified }: Known): { readonly subject: string; readonly issuer: string } | undefined {
  const mayAct = verified.claims['may_act'];
  if (mayAct === undefined) return undefined;
  const read = (name: string): string => {
    const value: unknown =
      typeof mayAct === 'object' && mayAct !== null ? Reflect.get(mayAct, name) : undefined;
    return typeof value === 'string' ? value : '';
  };
  return { subject: read('sub'), issuer: read('iss') || verified.config.issuer };
}
