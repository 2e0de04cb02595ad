// The identity part over a database of its own and an audit log that is a list, with one trusted issuer.
import type { AuditEvent } from '../../core/audit-event.ts';
import { refusalOf } from '../../core/identity-refusal.ts';
import type { Grant } from '../../core/principal.ts';
import { GuardError } from '../../core/errors.ts';
import type { IdentityService } from '../../core/services.ts';
import { createRefusalRecorder, recordRefusals } from '../../server/identity/recorded-refusals.ts';
import { createIdentity, type IdentityPart } from '../../server/identity/part.ts';
import { type ClaimRule, type IssuerConfig, tokenAlgorithms } from '../../server/issuer-types.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { startIssuer, type TestIssuer, type TokenParts } from './issuer.ts';

export const audience = 'https://guard.example';

export interface IdentityBench extends AsyncDisposable {
  readonly issuer: TestIssuer;
  readonly database: TestDatabase;
  readonly events: AuditEvent[];
  /** Records refusals, as the guard does. */
  readonly watch: (identity: IdentityService) => IdentityService;
  /** Whether the audit log can be written. */
  setAudit(works: boolean): void;
  /** A token for this guard of the subject `ci`. */
  token(parts?: TokenParts): Promise<string>;
  /** What a token proves at another guard of the same installation; all of them share the database. */
  anotherGuard(): IdentityGuard;
  readonly guard: IdentityGuard;
}

export interface IdentityGuard extends Pick<IdentityPart, 'confirm' | 'oauth' | 'upkeep'> {
  prove(token: string, repository?: string): Promise<Grant>;
  /** Why a token is refused, as the audit log is told; `accepted` where it is not. */
  refusal(token: string, repository?: string): Promise<string>;
}

export const usualRule: ClaimRule = {
  when: { sub: ['ci'] },
  kind: 'agent',
  name: 'ci',
  onBehalfOf: ['human:ada'],
  owner: undefined,
  groups: [],
  scopes: [{ repository: 'forge/team/*', verbs: ['fetch', 'push'], refs: ['refs/heads/agent/**'] }],
};

/** An issuer as the configuration would name it. */
export function issuerConfig(issuer: string, more: Partial<IssuerConfig> = {}): IssuerConfig {
  return {
    issuer,
    profile: 'generic',
    audiences: [audience],
    keys: { kind: 'discovery' },
    algorithms: tokenAlgorithms,
    clockSkew: 5,
    maxAge: 3_600,
    reuse: 'until-expiry',
    rules: [usualRule],
    ...more,
  };
}

/** Opens it; `more` changes the issuer's configuration. */
export async function identityBench(
  more: Partial<IssuerConfig> | ((issuer: TestIssuer) => Partial<IssuerConfig>) = {},
): Promise<IdentityBench> {
  await using building = new AsyncDisposableStack();
  // What is opened later is closed with the rest.
  const opened = building.use(new AsyncDisposableStack());
  const issuer = opened.use(await startIssuer());
  const database = opened.use(await freshDatabase());
  const events: AuditEvent[] = [];
  let auditWorks = true;
  const audit = {
    append: async (event: AuditEvent) => {
      if (!auditWorks) throw new GuardError('audit/unavailable', "couldn't append");
      return { index: events.push(event) - 1 };
    },
  };
  const clock = { now: () => new Date() };
  const config = issuerConfig(issuer.url, typeof more === 'function' ? more(issuer) : more);
  const anotherGuard = (): IdentityGuard => {
    const identity = opened.use(
      createIdentity({ database: database.database, clock, audit, issuers: [config] }),
    );
    const prove = (token: string, repository?: string): Promise<Grant> =>
      identity.authenticate({
        authorization: `Bearer ${token}`,
        address: '192.0.2.1',
        ...(repository === undefined ? {} : { repository }),
      });
    return {
      confirm: identity.confirm,
      oauth: identity.oauth,
      upkeep: () => identity.upkeep(),
      prove,
      refusal: async (token, repository) => {
        try {
          await prove(token, repository);
          return 'accepted';
        } catch (error) {
          if (!(error instanceof GuardError)) throw error;
          return refusalOf(error)?.reason ?? error.code;
        }
      },
    };
  };
  const guard = anotherGuard();
  building.move();
  return {
    issuer,
    database,
    events,
    guard,
    anotherGuard,
    watch: (inner) => recordRefusals(inner, createRefusalRecorder(audit)),
    setAudit: (works) => {
      auditWorks = works;
    },
    token: (parts = {}) => issuer.token({ ...parts, claims: { sub: 'ci', aud: audience, ...parts.claims } }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
