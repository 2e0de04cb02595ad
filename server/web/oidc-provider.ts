// Sign-in by OpenID Connect: authorization code with PKCE, state, nonce and the issuer in the answer (RFC 9207); the ID
// token's signature is checked although it comes from the provider itself. The provider's word on people is believed.
import { createHmac } from 'node:crypto';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  clockTolerance,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
} from 'openid-client';
import { z } from 'zod';
import { GuardError } from '../../core/errors.ts';
import type { ProvedAccount } from '../../core/person.ts';
import type { OidcLogin } from '../web-login-types.ts';
import { type Hop, LoginRefusal, type Provider, type Returned } from './provider.ts';
import { createProviderFetch } from './provider-fetch.ts';

/** The provider's description is asked for again after this time, in ms. */
const descriptionLifetime = 3_600_000;
/** Seconds by which clocks may differ. */
const skew = 30;

const text = z.string().max(2_000);
const claimsSchema = z.looseObject({
  sub: z.string().min(1).max(1_000),
  email: text.optional().catch(undefined),
  email_verified: z.union([z.boolean(), z.string()]).optional().catch(false),
  name: text.optional().catch(undefined),
  acr: text.optional().catch(undefined),
  amr: z.array(text).optional().catch(undefined),
});
type Claims = z.output<typeof claimsSchema>;

export interface OidcProvider extends Provider, AsyncDisposable {}

/** The provider of these settings; it is called when somebody signs in, not before. */
export function createOidcProvider(settings: OidcLogin, redirectUri: string): OidcProvider {
  const { fetch, close } = createProviderFetch(settings.ca);
  let described: { readonly configuration: Promise<Configuration>; readonly until: number } | undefined;

  function configuration(): Promise<Configuration> {
    if (described !== undefined && performance.now() < described.until) return described.configuration;
    const asked = describe(settings, fetch);
    const own = { configuration: asked, until: performance.now() + descriptionLifetime };
    described = own;
    asked.catch(() => {
      if (described === own) described = undefined;
    });
    return asked;
  }

  async function reach(): Promise<Configuration> {
    try {
      return await configuration();
    } catch (cause) {
      throw new GuardError('login/unavailable', `couldn't reach the identity provider ${settings.name}`, {
        cause,
      });
    }
  }

  return {
    settings,
    begin: async (hop) =>
      buildAuthorizationUrl(await reach(), {
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: settings.scopes.join(' '),
        state: hop.state,
        nonce: derived(hop, 'nonce'),
        code_challenge: await calculatePKCECodeChallenge(derived(hop, 'verifier')),
        code_challenge_method: 'S256',
        ...(settings.acrValues.length === 0 ? {} : { acr_values: settings.acrValues.join(' ') }),
      }),
    finish: async (hop, returned) => {
      const server = await reach();
      try {
        return accountOf(settings, await readClaims(server, settings, redirectUri, hop, returned));
      } catch (cause) {
        const why = cause instanceof LoginRefusal ? cause : new LoginRefusal(reasonOf(cause), { cause });
        throw new GuardError('login/refused', `${settings.label} did not confirm who you are`, {
          cause: why,
        });
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

async function describe(
  settings: OidcLogin,
  fetch: ReturnType<typeof createProviderFetch>['fetch'],
): Promise<Configuration> {
  const issuer = new URL(settings.issuer);
  const secret = settings.clientSecret?.reveal();
  const found = await discovery(
    issuer,
    settings.clientId,
    { [clockTolerance]: skew },
    secret === undefined ? None() : ClientSecretBasic(secret),
    {
      [customFetch]: fetch,
      timeout: 15,
      // Only ever this very machine: the configuration refuses http to any other.
      ...(issuer.protocol === 'http:' ? { execute: [allowInsecureRequests] } : {}),
    },
  );
  enableNonRepudiationChecks(found);
  return found;
}

/** What is kept nowhere: only who has the browser's cookie can make it again. */
function derived({ state, browser }: Hop, purpose: 'nonce' | 'verifier'): string {
  return createHmac('sha256', browser).update(`oidc ${purpose} ${state}`).digest('base64url');
}

async function readClaims(
  server: Configuration,
  settings: OidcLogin,
  redirectUri: string,
  hop: Hop,
  { url }: Returned,
): Promise<Claims> {
  // Whatever host the browser called: the address that the provider knows.
  const current = new URL(redirectUri);
  current.search = url.search;
  const tokens = await authorizationCodeGrant(server, current, {
    pkceCodeVerifier: derived(hop, 'verifier'),
    expectedNonce: derived(hop, 'nonce'),
    expectedState: hop.state,
    idTokenExpected: true,
  });
  const claims = claimsSchema.parse(tokens.claims() ?? {});
  if (settings.acrValues.length > 0 && !settings.acrValues.includes(claims.acr ?? ''))
    throw new LoginRefusal('acr');
  const isComplete = claims.email !== undefined && claims[settings.groupsClaim] !== undefined;
  if (isComplete || server.serverMetadata().userinfo_endpoint === undefined) return claims;
  const more = claimsSchema.parse(await fetchUserInfo(server, tokens.access_token, claims.sub));
  // What is signed counts before what is not.
  return {
    ...more,
    ...Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)),
    sub: claims.sub,
  };
}

function accountOf(settings: OidcLogin, claims: Claims): ProvedAccount {
  const groups =
    z.union([z.array(z.string()), z.string()]).safeParse(claims[settings.groupsClaim]).data ?? [];
  // A provider that says nothing of it speaks for the addresses of its domains; one that says "not verified" does not.
  const isVerified = claims.email_verified !== false && claims.email_verified !== 'false';
  return {
    provider: settings.name,
    proof: 'oidc',
    issuer: settings.issuer,
    subject: claims.sub,
    email: isVerified ? (claims.email ?? null) : null,
    displayName: claims.name ?? null,
    groups: [groups].flat(),
    amr: claims.amr ?? [],
    acr: claims.acr ?? null,
  };
}

/** The library's code of the failure; never what the provider or the browser wrote. */
function reasonOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && /^[A-Z_]{1,60}$/.test(String(thrown.code))
    ? String(thrown.code).toLowerCase()
    : 'oidc';
}
