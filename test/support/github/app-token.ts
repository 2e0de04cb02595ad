// Proofs of identity toward the fake: the JWT of an app (RS256), and installation tokens in both formats.
import { sign, verify } from 'node:crypto';
import { markedHex } from '../upstream-secret.ts';
import type { FakeApp, Installation, InstallationToken, Permissions, TokenFormat } from './account-state.ts';
import { permits, reaches, type Repository, type World } from './world.ts';

/** Who calls; `refused` says why a credential is not good, in GitHub's words. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'app'; readonly app: FakeApp }
  | { readonly kind: 'installation'; readonly token: InstallationToken }
  | { readonly kind: 'refused'; readonly message: string };

const refused = (message: string): Caller => ({ kind: 'refused', message });

/** Reads an Authorization header of the REST API, or of Git over HTTP (Basic with the token as password). */
export function callerOf(world: World, authorization: string | undefined): Caller {
  if (authorization === undefined) return { kind: 'anonymous' };
  const [scheme, value] = authorization.split(' ', 2);
  if (value === undefined) return refused('Bad credentials');
  const token =
    scheme?.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : value;
  return token.startsWith('ghs_') ? installationCaller(world, token) : appCaller(world, token);
}

function installationCaller(world: World, text: string): Caller {
  const token = world.tokens.get(text);
  if (token === undefined || token.expiresAt <= world.now()) return refused('Bad credentials');
  if (!world.installations.has(token.installation.id)) return refused('Bad credentials');
  if (token.installation.suspended) return refused('This installation has been suspended');
  return { kind: 'installation', token };
}

interface AppClaims {
  readonly iat?: unknown;
  readonly exp?: unknown;
  readonly iss?: unknown;
}

const decoded = (part: string): unknown => {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
};

// What GitHub documents: RS256, iat not in the future, exp no more than ten minutes ahead, iss the app's or client's id.
function appCaller(world: World, text: string): Caller {
  const parts = text.split('.');
  const [head = '', body = '', signature = ''] = parts;
  if (parts.length !== 3) return refused('A JSON web token could not be decoded');
  const header = decoded(head) as { readonly alg?: unknown } | undefined;
  const claims = decoded(body) as AppClaims | undefined;
  if (header?.alg !== 'RS256' || claims === undefined)
    return refused('A JSON web token could not be decoded');
  const app = [...world.apps.values()].find(
    ({ id, clientId }) => String(claims.iss) === String(id) || claims.iss === clientId,
  );
  if (app === undefined) return refused('Integration not found');
  const signed = Buffer.from(`${head}.${body}`);
  if (!verify('RSA-SHA256', signed, app.publicKey, Buffer.from(signature, 'base64url')))
    return refused('A JSON web token could not be decoded');
  const now = world.now().getTime() / 1000;
  if (typeof claims.iat !== 'number' || claims.iat > now + 1)
    return refused(
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  if (typeof claims.exp !== 'number' || claims.exp <= now || claims.exp > now + 601)
    return refused("'Expiration time' claim ('exp') is too far in the future");
  return { kind: 'app', app };
}

export interface TokenWish {
  readonly repositories?: readonly string[];
  readonly repository_ids?: readonly number[];
  readonly permissions?: Permissions;
}

/** Makes a token for an hour, or says why it cannot be had (422). */
export function issueToken(
  world: World,
  installation: Installation,
  wish: TokenWish,
): InstallationToken | { readonly problem: string } {
  const reachable = [...world.repositories.values()].filter((repository) =>
    reaches(installation, repository),
  );
  const wanted: readonly (Repository | undefined)[] = [
    ...(wish.repositories ?? []).map((name) => reachable.find((repository) => repository.name === name)),
    ...(wish.repository_ids ?? []).map((id) => reachable.find((repository) => repository.id === id)),
  ];
  if (wanted.length > 500) return { problem: 'Too many repositories' };
  if (wanted.includes(undefined))
    return {
      problem:
        'There is at least one repository that does not exist or is not accessible to the parent installation.',
    };
  const permissions = wish.permissions ?? installation.permissions;
  if (Object.entries(permissions).some(([name, level]) => !permits(installation.permissions, name, level)))
    return { problem: 'The permissions requested are not granted to this installation.' };
  const expiresAt = new Date(Math.floor(world.now().getTime() / 1000) * 1000 + 3_600_000);
  const token: InstallationToken = {
    token: tokenText(world, installation, installation.app.tokenFormat, expiresAt),
    installation,
    repositories:
      wanted.length === 0 ? undefined : new Set(wanted.flatMap((repository) => repository?.id ?? [])),
    permissions: { metadata: 'read', ...permissions },
    expiresAt,
  };
  world.tokens.set(token.token, token);
  return token;
}

function tokenText(world: World, { id, app }: Installation, format: TokenFormat, expiresAt: Date): string {
  if (format === 'opaque') return `ghs_${markedHex(36)}`;
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    jti: markedHex(40),
    iss: 'github',
    installation: id,
    exp: expiresAt.getTime() / 1000,
  };
  const text = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`;
  const signature = sign('SHA256', Buffer.from(text), { key: world.tokenKey, dsaEncoding: 'ieee-p1363' });
  return `ghs_${app.id}_${text}.${signature.toString('base64url')}`;
}

/** True where the token reaches the repository. */
export function tokenReaches(token: InstallationToken, repository: Repository): boolean {
  return (
    reaches(token.installation, repository) &&
    (token.repositories === undefined || token.repositories.has(repository.id))
  );
}
