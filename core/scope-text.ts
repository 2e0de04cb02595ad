// A scope as one word, for command lines and the `scope` of OAuth (RFC 6749 §3.3):
//
//   scope = repositories ":" verb *( "," verb ) [ "@" ref-glob *( "," ref-glob ) ]
//
// such as `github/acme/*:fetch,push@refs/heads/agent/**`. Commas inside braces belong to the glob.
import { compileGlobs, compileRepositoryGlobs, GlobError } from './glob.ts';
import { type Scope, type Verb, verbs } from './principal.ts';

/** Reads one; a text that is none gives a sentence that says why. */
export function parseScope(text: string): Scope | { readonly fault: string } {
  const at = /:[a-z,-]+(?:@|$)/.exec(text)?.index ?? -1;
  if (at < 1) return { fault: 'a scope is written GLOB:VERB,VERB or GLOB:VERB@REFS' };
  const rest = text.slice(at + 1);
  const limit = rest.indexOf('@');
  const listed = (limit < 0 ? rest : rest.slice(0, limit)).split(',');
  const known = verbs.filter((verb): verb is Verb => listed.includes(verb));
  if (known.length !== new Set(listed).size) return { fault: `the verbs of a scope are ${verbs.join(', ')}` };
  const repository = text.slice(0, at);
  const refs = limit < 0 ? undefined : splitList(rest.slice(limit + 1));
  try {
    compileRepositoryGlobs([repository]);
    if (refs !== undefined) compileGlobs(refs);
  } catch (error) {
    if (error instanceof GlobError) return { fault: error.message };
    throw error;
  }
  return { repository, verbs: known, ...(refs === undefined ? {} : { refs }) };
}

/** The scope as one word; `parseScope` reads it back. */
export function formatScope({ repository, verbs: listed, refs }: Scope): string {
  return `${repository}:${listed.join(',')}${refs === undefined ? '' : `@${refs.join(',')}`}`;
}

function splitList(text: string): readonly string[] {
  const items: string[] = [];
  let depth = 0;
  let item = '';
  for (const char of text) {
    if (char === '{') depth++;
    if (char === '}') depth--;
    if (char === ',' && depth === 0) {
      items.push(item);
      item = '';
    } else {
      item += char;
    }
  }
  return [...items, item];
}
