// The point of a posture that says by what name a repository went before: whatever names the old one is refused, and would
// count for another repository that takes it.
import type { PosturePoint } from '../../core/posture.ts';
import type { FormerName } from '../bypass/names-store.ts';

/** `former` is undefined for a repository that has always had its name, as far as the guard knows. */
export function namePoint(forge: string, former: FormerName | undefined, link: string): PosturePoint {
  if (former === undefined)
    return {
      topic: 'name',
      state: 'ok',
      found: 'It has had this name for as long as the guard knows it.',
      change: null,
      link: null,
    };
  const [from, to] = [former.from, former.to].map((name) => `${forge}/${name}`.toLowerCase());
  const found = `It was ${from} until ${former.at.toISOString().slice(0, 10)}, and is ${to} now.`;
  if (!former.isRecent) return { topic: 'name', state: 'ok', found, change: null, link: null };
  return {
    topic: 'name',
    state: 'to-do',
    found,
    change: `Change remotes of agents, scopes of tokens, the policy and the configuration from ${from} to ${to}: what names the old one fails with upstream/permission, and would count for another repository that takes the name.`,
    link,
  };
}
