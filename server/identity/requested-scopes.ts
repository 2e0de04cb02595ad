// What a client asks a token for: `scope`, `resource` and `audience` (RFC 8693 §2.1, RFC 8707) and `authorization_details`
// (RFC 9396). What is asked for may be less than what is granted, never more.
import { z } from 'zod';
import { compileRepositoryGlobs } from '../../core/glob.ts';
import type { Scope } from '../../core/principal.ts';
import { closed } from '../../core/schema.ts';
import { scopeSchema } from '../../core/scope-schema.ts';
import { scopeIncluded } from '../../core/scope-inclusion.ts';
import { parseScope } from '../../core/scope-text.ts';
import { OAuthError } from './oauth-error.ts';
import type { OAuthForm } from './oauth-form.ts';

const mostScopes = 50;
const longestGlob = 300;
/** The type of authorization details that the guard knows: members of a scope. */
export const detailsType = 'forgeguard_repository';

const detailsSchema = z
  .array(closed({ type: z.literal(detailsType), ...scopeSchema.shape }))
  .min(1)
  .max(mostScopes);

/** The scopes of the session. Throws `invalid_scope`, `invalid_target` or `invalid_authorization_details`. */
export function requestedScopes(
  form: OAuthForm,
  granted: readonly Scope[],
  guardUrl: string,
): readonly Scope[] {
  for (const audience of form.all('audience'))
    if (audience.replace(/\/$/, '') !== guardUrl)
      throw new OAuthError('invalid_target', 'tokens of this guard are good for this guard only');
  const asked = [...scopesOfText(form.one('scope')), ...scopesOfDetails(form.one('authorization_details'))];
  if (asked.length > mostScopes) throw new OAuthError('invalid_scope', 'too many scopes');
  for (const scope of asked) {
    if ([scope.repository, ...(scope.refs ?? [])].some((glob) => glob.length > longestGlob))
      throw new OAuthError('invalid_scope', 'a glob is too long');
    if (!scopeIncluded(scope, granted))
      throw new OAuthError('invalid_scope', 'a scope is broader than what the token grants');
  }
  const base = asked.length === 0 ? granted : asked;
  const repositories = form.all('resource').map((url) => repositoryOf(url, guardUrl));
  const scopes =
    repositories.length === 0 ? base : repositories.flatMap((repository) => narrowedTo(repository, base));
  if (scopes.length === 0) throw new OAuthError('invalid_target', 'the token grants nothing there');
  return scopes;
}

function scopesOfText(text: string | undefined): readonly Scope[] {
  return (text ?? '')
    .split(' ')
    .filter((word) => word !== '')
    .slice(0, mostScopes + 1)
    .map((word) => {
      const scope = parseScope(word);
      if ('fault' in scope) throw new OAuthError('invalid_scope', 'a scope is written GLOB:VERB,VERB@REFS');
      return scope;
    });
}

function scopesOfDetails(text: string | undefined): readonly Scope[] {
  if (text === undefined) return [];
  const invalid = (): OAuthError =>
    new OAuthError('invalid_authorization_details', `expected a list of details of the type ${detailsType}`);
  let details: unknown;
  try {
    details = JSON.parse(text);
  } catch {
    throw invalid();
  }
  const parsed = detailsSchema.safeParse(details);
  if (!parsed.success) throw invalid();
  return parsed.data.map(({ type: _type, ...scope }) => scope);
}

/** `<guard>/git/<forge>/<path>.git` names a repository. */
function repositoryOf(url: string, guardUrl: string): string {
  const path = url.startsWith(`${guardUrl}/git/`) ? url.slice(guardUrl.length + '/git/'.length) : '';
  const repository = path.replace(/(?:\.git)?\/?$/, '');
  if (!/^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)+$/.test(repository))
    throw new OAuthError('invalid_target', 'a resource is the URL of a repository at this guard');
  return repository;
}

function narrowedTo(repository: string, scopes: readonly Scope[]): readonly Scope[] {
  return scopes
    .filter((scope) => compileRepositoryGlobs([scope.repository])(repository))
    .map((scope) => ({ ...scope, repository }));
}
