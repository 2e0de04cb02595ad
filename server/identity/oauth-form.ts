// The body of a request to the OAuth endpoints: application/x-www-form-urlencoded (RFC 6749 appendix B), attacker-controlled.
import { OAuthError } from './oauth-error.ts';

const mostParameters = 50;
/** Parameters that RFC 8693 §2.1 allows more than once. */
const repeatable: ReadonlySet<string> = new Set(['resource', 'audience']);

export interface OAuthForm {
  /** Undefined where it is absent or empty, which is the same (RFC 6749 §3.2). */
  one(name: string): string | undefined;
  /** Throws `invalid_request` where it is absent. */
  need(name: string): string;
  all(name: string): readonly string[];
}

/** Reads it. Throws `invalid_request` where a parameter comes twice, or there are too many. */
export function readOAuthForm(text: string): OAuthForm {
  const parameters = [...new URLSearchParams(text)];
  if (parameters.length > mostParameters) throw new OAuthError('invalid_request', 'too many parameters');
  const values = Map.groupBy(
    parameters.filter(([, value]) => value !== ''),
    ([name]) => name,
  );
  for (const [name, entries] of values)
    if (entries.length > 1 && !repeatable.has(name))
      throw new OAuthError('invalid_request', 'a parameter is repeated');
  const all = (name: string): readonly string[] => (values.get(name) ?? []).map(([, value]) => value);
  const one = (name: string): string | undefined => all(name)[0];
  return {
    one,
    all,
    need: (name) => {
      const value = one(name);
      if (value === undefined) throw new OAuthError('invalid_request', `the parameter ${name} is missing`);
      return value;
    },
  };
}
