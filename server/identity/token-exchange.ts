// Token exchange (RFC 8693): any token that the guard trusts for a session token of the guard, with the same or less. With
// an actor token the session is the actor's, on behalf of the subject.
import { certificateThumbprint } from '../../core/certificate-thumbprint.ts';
import type { Delegation, Grant, Principal, Scope } from '../../core/principal.ts';
import { delegationOf } from '../../core/principal.ts';
import { commonScopes } from '../../core/scope-inclusion.ts';
import type { Clock, IdentityService, Presented } from '../../core/services.ts';
import { demandCertificate } from './certificate-binding.ts';
import type { GrantType } from './grant-type.ts';
import { OAuthError } from './oauth-error.ts';
import type { Exchangeable } from './prover.ts';
import { requestedScopes } from './requested-scopes.ts';
import type { SessionOffice, SessionRequest } from './sessions.ts';

const urn = 'urn:ietf:params:oauth';
export const accessTokenType = `${urn}:token-type:access_token`;
const acceptedTypes: ReadonlySet<string> = new Set([
  accessTokenType,
  `${urn}:token-type:jwt`,
  `${urn}:token-type:id_token`,
]);

export interface TokenExchangeOptions {
  readonly sessions: SessionOffice;
  readonly clock: Clock;
  /** Proves a token that is to be exchanged; rejects with a refusal. */
  readonly exchange: (token: string) => Promise<Exchangeable>;
  /** Wraps a way to prove identities in what watches all of them, such as the record of refusals. */
  readonly watch: (identity: IdentityService) => IdentityService;
}

interface Proved extends Exchangeable {
  readonly presented: Presented;
}

/** The grant type. */
export function createTokenExchange({ sessions, clock, exchange, watch }: TokenExchangeOptions): GrantType {
  const jobs = new WeakMap<Presented, () => Promise<Grant>>();
  const watched = watch({
    authenticate: async (presented) => {
      const job = jobs.get(presented);
      if (job === undefined) throw new OAuthError('invalid_request', 'the token cannot be exchanged');
      return job();
    },
  });

  /** What is refused inside of `job` is seen by whoever watches. */
  async function watching(presented: Presented, job: () => Promise<Grant>): Promise<void> {
    jobs.set(presented, job);
    await watched.authenticate(presented);
  }

  async function prove(token: string, client: Presented): Promise<Proved> {
    const presented = { ...client, authorization: `Bearer ${token}` };
    const found: Exchangeable[] = [];
    await watching(presented, async () => {
      const proved = await exchange(token);
      demandCertificate(proved.grant, client);
      found.push(proved);
      return proved.grant;
    });
    const [proved] = found;
    if (proved === undefined) throw new OAuthError('invalid_request', 'the token cannot be exchanged');
    return { ...proved, presented };
  }

  /** Claims all tokens and does the work; where it fails they are given back. */
  async function spending<T>(tokens: readonly Proved[], work: () => Promise<T>): Promise<T> {
    const undo: (() => Promise<void>)[] = [];
    try {
      for (const token of tokens)
        await watching(token.presented, async () => {
          const giveBack = await token.spend(clock.now());
          if (giveBack !== undefined) undo.push(giveBack);
          return token.grant;
        });
      return await work();
    } catch (error) {
      // Where that fails, too, the token stays spent, which is the safe side.
      await Promise.allSettled(undo.map((giveBack) => giveBack()));
      throw error;
    }
  }

  return {
    name: `${urn}:grant-type:token-exchange`,
    issue: async ({ form, presented, guardUrl }) => {
      checkTypes(form.need('subject_token_type'), form.one('requested_token_type'));
      const subject = await prove(form.need('subject_token'), presented);
      const actorToken = form.one('actor_token');
      if ((actorToken === undefined) !== (form.one('actor_token_type') === undefined))
        throw new OAuthError('invalid_request', 'actor_token and actor_token_type belong together');
      const actor = actorToken === undefined ? undefined : await prove(actorToken, presented);
      if (actor !== undefined) checkTypes(form.need('actor_token_type'), undefined);
      const request = actor === undefined ? requestOf(subject) : delegated(subject, actor);
      const scopes = requestedScopes(form, request.scopes, guardUrl);
      return spending([subject, ...(actor === undefined ? [] : [actor])], () =>
        sessions.open({ ...request, scopes, boundTo: bindingOf(presented) }),
      );
    },
  };
}

// RFC 8705 §3: who comes with a certificate gets what is good only with it. A token that is bound came with its own.
function bindingOf({ certificate }: Presented): string | undefined {
  return certificate === undefined ? undefined : certificateThumbprint(certificate);
}

function checkTypes(given: string, requested: string | undefined): void {
  if (!acceptedTypes.has(given))
    throw new OAuthError(
      'invalid_request',
      'a token of this type cannot be exchanged: access_token, jwt or id_token',
    );
  if (requested !== undefined && requested !== accessTokenType)
    throw new OAuthError('invalid_request', 'only access tokens are issued');
}

function requestOf({ grant, since, parents, facts }: Exchangeable): SessionRequest {
  const { principal, owner, scopes, expiresAt } = grant;
  return {
    principal,
    owner,
    scopes,
    since,
    parents,
    until: expiresAt,
    facts: { how: 'exchanged', ...facts },
  };
}

/** RFC 8693 §1.1, delegation: both are proved, and what either of them may not do the session may not. */
function delegated(subject: Exchangeable, actor: Exchangeable): SessionRequest {
  const person = subject.grant.principal;
  const agent = actor.grant.principal;
  if (person.kind !== 'human' || agent.kind === 'human')
    throw new OAuthError(
      'invalid_request',
      'an agent or workload acts for a person, not the other way round',
    );
  const { mayAct } = subject;
  if (mayAct !== undefined && (mayAct.subject !== agent.subject || mayAct.issuer !== agent.issuer))
    throw new OAuthError('invalid_request', 'the subject token names somebody else as its actor');
  const scopes: readonly Scope[] = commonScopes(actor.grant.scopes, subject.grant.scopes);
  if (scopes.length === 0) throw new OAuthError('invalid_scope', 'the two tokens grant nothing in common');
  const ends = [subject.grant.expiresAt, actor.grant.expiresAt].filter((end) => end !== undefined);
  return {
    principal: onBehalf(agent, person),
    owner: actor.grant.owner ?? person.id,
    scopes,
    since: subject.since < actor.since ? subject.since : actor.since,
    parents: [...actor.parents, ...subject.parents],
    until: ends.toSorted((a, b) => a.getTime() - b.getTime())[0],
    facts: {
      how: 'delegated',
      subject: { id: person.id, ...subject.facts },
      actor: { id: agent.id, ...actor.facts },
    },
  };
}

/** The person first; whoever the agent acts for besides stays in the chain, so that none of them can approve for it. */
function onBehalf(agent: Principal, person: Principal): Principal {
  const { id, issuer, subject, proof } = person;
  const chain: readonly Delegation[] = [
    { id, issuer, subject, proof },
    ...delegationOf(person),
    ...delegationOf(agent).filter((link) => link.id !== id),
  ];
  return { ...agent, onBehalfOf: chain.map((link) => link.id), delegation: chain };
}
