// Verifies JSON Web Tokens of trusted issuers (RFC 7519, RFC 8725). The token is attacker-controlled until its signature
// is verified, and nothing of it is believed before but which issuer it claims to be of.
import { hash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { GuardError } from '../../core/errors.ts';
import { refuseIdentity, type RefusalReason } from '../../core/identity-refusal.ts';
import type { Clock } from '../../core/services.ts';
import type { IssuerConfig } from '../issuer-types.ts';
import { openIssuerKeys, type IssuerKeys } from './issuer-keys.ts';

/** Characters. */
const longestToken = 16_384;
const longestId = 1_024;
/** RFC 8725 §3.11: what else is signed with the same keys, such as a logout token, is no proof of an identity. */
const acceptedTypes: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'jose', 'application/at+jwt']);

export interface VerifiedJwt {
  readonly config: IssuerConfig;
  readonly claims: JWTPayload;
  readonly subject: string;
  /** Stands for the token in the log and against replay: from `jti`, or from the signed text where there is none. */
  readonly session: string;
  /** When it was issued; undefined where it does not say. */
  readonly issuedAt: Date | undefined;
  readonly expiresAt: Date;
}

export interface JwtVerifier extends AsyncDisposable {
  /** Rejects with a refusal. */
  verify(token: string): Promise<VerifiedJwt>;
}

/** True where the text has the form of a JWS in compact form with a header that is a JSON object. */
export function looksLikeJwt(token: string): boolean {
  return /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/.test(token);
}

interface Issuer {
  readonly config: IssuerConfig;
  readonly keys: IssuerKeys;
}

/** The verifier for these issuers. */
export function createJwtVerifier(configs: readonly IssuerConfig[], clock: Clock): JwtVerifier {
  const issuers = new Map<string, Issuer>(
    configs.map((config) => [config.issuer, { config, keys: openIssuerKeys(config) }]),
  );

  function issuerOf(token: string): Issuer {
    const claims = decoded(() => decodeJwt(token));
    const { iss, sub } = claims;
    if (typeof iss === 'string') {
      const named = issuers.get(iss);
      if (named !== undefined) return named;
    }
    // A JWT-SVID need not have an issuer: its trust domain is part of its subject.
    const domain = typeof sub === 'string' ? /^spiffe:\/\/[^/]{1,255}(?=\/)/.exec(sub)?.[0] : undefined;
    const found = domain === undefined ? undefined : issuers.get(domain);
    if (found !== undefined) return found;
    throw refuseIdentity('unknown-issuer');
  }

  return {
    verify: async (token) => {
      if (token.length > longestToken) throw refuseIdentity('oversized');
      const { config, keys } = issuerOf(token);
      const { issuer } = config;
      const { typ } = decoded(() => decodeProtectedHeader(token));
      if (typ !== undefined && (typeof typ !== 'string' || !acceptedTypes.has(typ.toLowerCase())))
        throw refuseIdentity('bad-type', undefined, { issuer });
      const now = clock.now();
      const claims = await verifySignature(token, config, keys, now);
      return readVerified(token, config, claims, now);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...issuers.values()].map(({ keys }) => keys[Symbol.asyncDispose]()));
    },
  };
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch {
    throw refuseIdentity('malformed');
  }
}

async function verifySignature(
  token: string,
  config: IssuerConfig,
  keys: IssuerKeys,
  now: Date,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, (header) => keys.find(header), {
      algorithms: [...config.algorithms],
      audience: [...config.audiences],
      ...(config.profile === 'spiffe' ? {} : { issuer: config.issuer }),
      clockTolerance: config.clockSkew,
      currentDate: now,
      requiredClaims: ['exp', 'sub'],
    });
    return payload;
  } catch (error) {
    if (error instanceof GuardError) throw error;
    throw refuseIdentity(reasonOf(error), undefined, { issuer: config.issuer });
  }
}

const reasonsByCode: Readonly<Record<string, RefusalReason>> = {
  ERR_JWT_EXPIRED: 'expired',
  ERR_JOSE_ALG_NOT_ALLOWED: 'bad-algorithm',
  ERR_JOSE_NOT_SUPPORTED: 'bad-type',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'bad-signature',
  ERR_JWKS_NO_MATCHING_KEY: 'unknown-key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'unknown-key',
};

const reasonsByClaim: Readonly<Record<string, RefusalReason>> = {
  aud: 'wrong-audience',
  iss: 'unknown-issuer',
  nbf: 'not-yet-valid',
};

function reasonOf(error: unknown): RefusalReason {
  if (error instanceof errors.JWTClaimValidationFailed) return reasonsByClaim[error.claim] ?? 'malformed';
  const code = error instanceof errors.JOSEError ? error.code : '';
  return reasonsByCode[code] ?? 'malformed';
}

function readVerified(token: string, config: IssuerConfig, claims: JWTPayload, now: Date): VerifiedJwt {
  const { issuer, clockSkew, maxAge } = config;
  const { iat, exp = 0, sub = '', jti } = claims;
  if (sub === '' || sub.length > longestId || (jti !== undefined && (jti === '' || jti.length > longestId)))
    throw refuseIdentity('malformed', undefined, { issuer });
  const session = sessionOf(token, issuer, jti);
  const seconds = now.getTime() / 1_000;
  if (iat !== undefined && iat > seconds + clockSkew)
    throw refuseIdentity('not-yet-valid', session, { issuer });
  if (iat !== undefined && seconds - iat > maxAge + clockSkew)
    throw refuseIdentity('too-old', session, { issuer });
  const end = Math.min(exp, (iat ?? seconds) + maxAge);
  return {
    config,
    claims,
    subject: sub,
    session,
    issuedAt: iat === undefined ? undefined : new Date(iat * 1_000),
    expiresAt: new Date(end * 1_000),
  };
}

/** Of header and claims, not of the signature: an ECDSA signature can be written in more than one way. */
function sessionOf(token: string, issuer: string, jti: string | undefined): string {
  const own = jti === undefined ? `text\0${token.slice(0, token.lastIndexOf('.'))}` : `jti\0${jti}`;
  return `jwt-${hash('sha256', `${issuer}\0${own}`, 'hex').slice(0, 32)}`;
}
