// CODEOWNERS as GitHub reads it: the last pattern that matches a path names its owners. Taken from the branch that a
// change is to go to, never from the change.
//
//   file    = *(line LF)
//   line    = pattern *(1*SP owner) [ "#" comment ]
//   owner   = "@" login / "@" organization "/" team / e-mail
import { z } from 'zod';
import { compileGlobs, GlobError, type Matcher } from '../../core/glob.ts';
import { GithubRefusal } from '../api.ts';
import type { Hub } from '../hub.ts';
import type { Decider } from '../decider.ts';

interface OwnerRule {
  readonly matches: Matcher;
  readonly owners: readonly string[];
}

const places = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'];
const mostBytes = 3 * 2 ** 20;
const contentAnswer = z.object({ content: z.string(), encoding: z.string(), size: z.int() });

/** The owners of each path, as the file names them; empty where nobody is named. */
export function readCodeOwners(text: string): (path: string) => readonly string[] {
  const rules = text.split('\n').flatMap(ruleOf);
  return (path) => rules.findLast(({ matches }) => matches(path))?.owners ?? [];
}

function ruleOf(line: string): readonly OwnerRule[] {
  const [pattern, ...owners] = line
    .replace(/(^|\s)#.*$/, '')
    .trim()
    .split(/\s+/);
  // Negation and character ranges are not part of the format.
  if (pattern === undefined || pattern === '' || /[![\]{}]/.test(pattern)) return [];
  try {
    return [{ matches: compileGlobs(globsOf(pattern)), owners: owners.map((owner) => owner.toLowerCase()) }];
  } catch (thrown) {
    if (thrown instanceof GlobError) return [];
    throw thrown;
  }
}

/** As of gitignore: anchored where a slash stands in front or within, a directory means all that is in it. */
function globsOf(pattern: string): readonly string[] {
  const inner = pattern.replace(/^\//, '').replace(/\/$/, '');
  const isAnchored = pattern.startsWith('/') || inner.includes('/');
  const base = isAnchored ? inner : `**/${inner}`;
  // `docs/*` owns the files there, and not what is below.
  if (pattern.endsWith('/*')) return [base];
  return pattern.endsWith('/') ? [`${base}/**`] : [base, `${base}/**`];
}

/** True for an owner of every path of the change; a path without owners has none. */
export async function isCodeOwner(
  hub: Hub,
  decider: Decider,
  isInTeam: (team: { readonly organization: string; readonly slug: string }) => Promise<boolean>,
): Promise<boolean> {
  if (decider.paths.length === 0) return false;
  const ownersOf = readCodeOwners((await readFile(hub, decider)) ?? '');
  const own = `@${decider.user.login.toLowerCase()}`;
  const memberships = new Map<string, boolean>();
  for (const path of decider.paths) {
    let isOwner = false;
    for (const owner of ownersOf(path)) {
      if (owner === own) isOwner = true;
      const [organization = '', slug] = owner.slice(1).split('/');
      if (isOwner || slug === undefined || !owner.startsWith('@')) continue;
      const known = memberships.get(owner) ?? (await isInTeam({ organization, slug }));
      memberships.set(owner, known);
      isOwner = known;
    }
    if (!isOwner) return false;
  }
  return true;
}

async function readFile({ api }: Hub, { repository, baseRef, signal }: Decider): Promise<string | undefined> {
  for (const path of places) {
    try {
      const { content, encoding, size } = await api.ask({
        repository,
        signal,
        route: 'GET /repos/{owner}/{repo}/contents/{path}',
        parameters: { path, ref: baseRef },
        permissions: { contents: 'read' },
        answer: contentAnswer,
      });
      // A file that GitHub would ignore for its size names nobody.
      return encoding === 'base64' && size <= mostBytes
        ? Buffer.from(content, 'base64').toString('utf8')
        : '';
    } catch (thrown) {
      if (!(thrown instanceof GithubRefusal) || thrown.status !== 404) throw thrown;
    }
  }
  return undefined;
}
