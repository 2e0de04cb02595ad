// Puts the identity part together: the one list of provers, in the order in which they are asked, the grant types of the
// token endpoint, and what revokes.
import type { FastifyInstance } from 'fastify';
import type { IdentityService, CredentialCheck } from '../../core/services.ts';
import type { CertificateRule } from '../certificate-rules.ts';
import type { IssuerConfig } from '../issuer-types.ts';
import { createCertificateProver } from './certificate-prover.ts';
import { createGuardTokenProver, type ProverOptions } from './guard-token-prover.ts';
import { createJwtProver } from './jwt-prover.ts';
import type { GrantType } from './grant-type.ts';
import { oauthRoutes } from './oauth-routes.ts';
import { confirmCredential } from './revocations.ts';
import { createIdentityService, type Identity } from './service.ts';
import { createSessionProver } from './session-prover.ts';
import { createSessionOffice, type SessionOffice } from './sessions.ts';
import { createTokenExchange } from './token-exchange.ts';

export interface IdentityOptions extends ProverOptions {
  readonly issuers?: readonly IssuerConfig[];
  /** Whom client certificates stand for. */
  readonly certificates?: readonly CertificateRule[];
  /** Seconds; default 15 minutes, which is the most. */
  readonly sessionLifetime?: number;
}

export interface IdentityPart extends Identity {
  readonly confirm: CredentialCheck;
  /** Opens sessions for whoever was proved in another way. */
  readonly sessions: SessionOffice;
  /** Registers the OAuth endpoints. */
  readonly oauth: (settings: OAuthSettings) => (app: FastifyInstance) => Promise<void>;
}

export interface OAuthSettings {
  /** The guard's base URL without a trailing slash. */
  readonly guardUrl: () => string;
  /** Wraps a way to prove identities in what watches all of them: the record of refusals, limits. */
  readonly watch: (identity: IdentityService) => IdentityService;
  /** Further grant types of the token endpoint. */
  readonly grantTypes?: readonly GrantType[];
}

/** Starts it; dispose of it before the database and the audit log. */
export function createIdentity(options: IdentityOptions): IdentityPart {
  const { database, clock, audit } = options;
  const identity = createIdentityService([
    createCertificateProver(options.certificates ?? []),
    createGuardTokenProver(options),
    createSessionProver(options),
    createJwtProver(options, options.issuers ?? []),
  ]);
  const sessions = createSessionOffice({
    database,
    clock,
    audit,
    maxLifetime: options.sessionLifetime ?? Infinity,
  });
  return {
    ...identity,
    sessions,
    confirm: (accepted) => confirmCredential(database, accepted),
    oauth: ({ guardUrl, watch, grantTypes = [] }) => {
      const exchange = createTokenExchange({
        sessions,
        clock,
        exchange: (token) => identity.exchange(token),
        watch,
      });
      return async (app) => {
        await app.register((scope) =>
          oauthRoutes(scope, {
            grantTypes: [exchange, ...grantTypes],
            revoke: (token) => identity.revoke(token),
            guardUrl,
          }),
        );
      };
    },
  };
}
