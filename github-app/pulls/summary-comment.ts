// One comment with the summary in a pull request, written where there is something to tell and updated in place.
import { z } from 'zod';
import type { CheckContent } from './check-content.ts';
import type { Hub } from '../hub.ts';
import { within } from '../markdown.ts';
import type { PullPlace } from './pull.ts';
import type { CheckRunState, KnownCheck } from '../store.ts';

const answer = z.object({ id: z.int() });
const permissions = { pull_requests: 'write' } as const;
const longest = 60_000;

/** Writes or updates the comment; gives its id, or null where there is none and nothing to tell. */
export async function writeSummary(
  hub: Hub,
  { repository, number, signal }: PullPlace,
  content: CheckContent,
  known: KnownCheck | undefined,
  published: CheckRunState,
): Promise<number | null> {
  const comment = known?.comment ?? null;
  const isSame = known?.head === published.head && known.published === published.published;
  if (comment === null ? content.conclusion === 'success' : isSame) return comment;
  const body = within(
    `### Forgeguard: ${content.title}\n\nOf commit ${published.head.slice(0, 12)}.\n\n${content.summary}`,
    longest,
  );
  if (comment !== null) {
    await hub.api.ask({
      repository,
      signal,
      route: 'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
      parameters: { comment_id: comment, body },
      permissions,
      answer,
    });
    return comment;
  }
  const made = await hub.api.ask({
    repository,
    signal,
    route: 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
    parameters: { issue_number: number, body },
    permissions,
    answer,
  });
  return made.id;
}
