// Pull requests with the same commit: at GitHub their checks are one, and the newest is shown for all of them.
import { numberOf } from './check-key.ts';
import { type CheckContent, isPassing } from './check-content.ts';
import type { Hub, HubServices } from '../hub.ts';
import type { PullPlace } from './pull.ts';
import { type CheckPlace, findChecksOfHead, upsertWork } from '../store.ts';
import { pullWork } from '../work.ts';

/** The checks of other pull requests with this commit. */
export async function sameCommit(
  { database }: HubServices,
  hub: Hub,
  { repository, number }: PullPlace,
  head: string,
): Promise<readonly CheckPlace[]> {
  const found = await findChecksOfHead(database, hub.forge, repository, head);
  return found.filter(({ subject }) => subject.startsWith('pull/') && subject !== `pull/${number}`);
}

/** What passes by itself does not open the way for another pull request with the same commit. */
export function withOthers(content: CheckContent, others: readonly CheckPlace[]): CheckContent {
  const blocking = others.filter(({ conclusion }) => !isPassing(conclusion));
  if (blocking.length === 0 || !isPassing(content.conclusion)) return content;
  const named = blocking.map(({ subject }) => `#${numberOf(subject)}`).join(', ');
  return {
    ...content,
    conclusion: 'failure',
    title: 'Another pull request with this commit does not pass',
    summary: `GitHub shows one check for a commit. By itself this pull request passes, and ${named} does not.`,
  };
}

/** Has the others looked at again. */
export async function lookAgain(
  { database, wakeUp }: HubServices,
  { repository }: PullPlace,
  others: readonly CheckPlace[],
): Promise<void> {
  for (const { forge, subject } of others)
    wakeUp([await upsertWork(database, { forge, ...pullWork(repository, numberOf(subject), false) })]);
}
