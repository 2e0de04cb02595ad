// One look at an open pull request: what it changes, what people wrote in it, what the policy says. Nothing is written.
import type { ChangeRange } from '../../core/change-scan.ts';
import type { Principal } from '../../core/principal.ts';
import { landsCommits } from './branch-rules.ts';
import { type Hub, type HubServices, repositoryId } from '../hub.ts';
import { authorsQuestion, type ChangeFacts, judgeChange, type Judged, scanSpoken } from './judge-change.ts';
import { authorOf } from '../people.ts';
import { type Conversation, type Pull, type PullPlace, readConversation } from './pull.ts';
import type { KnownCheck } from '../store.ts';

export interface Look {
  readonly place: PullPlace;
  readonly pull: Pull;
  readonly actor: Principal;
  readonly judged: Judged;
  readonly conversation: Conversation;
}

/** Reads and judges the change; nothing is written. */
export async function look(
  services: HubServices,
  hub: Hub,
  place: PullPlace,
  pull: Pull,
  known: KnownCheck | undefined,
): Promise<Look> {
  const actor = authorOf(hub, pull.user, place);
  const facts: ChangeFacts = {
    actor,
    target: `refs/heads/${pull.base.ref}`,
    repository: repositoryId(hub, place.repository),
    isDefaultBranch: pull.base.ref === pull.base.repo.default_branch,
    head: pull.head.sha,
    base: pull.base.sha,
  };
  const [scan, conversation] = await Promise.all([
    services.changes.scanChange(
      { ...rangeOf(hub, place, pull), authors: authorsQuestion(services, facts) },
      place.signal,
    ),
    readConversation(hub, place, pull, known?.comment ?? null),
  ]);
  const texts = await scanSpoken(services.scanner, conversation.spoken, place.signal);
  const lands = scan.earlier.length > 0 && (await landsCommits(hub, place, pull));
  return { place, pull, actor, conversation, judged: judgeChange(services, facts, scan, texts, lands) };
}

/** What the pull request changes; nobody is compared with those who made its commits. */
export function rangeOf(
  { forge }: Pick<Hub, 'forge'>,
  { repository }: Pick<PullPlace, 'repository'>,
  { base, head }: Pull,
): ChangeRange {
  return {
    repository: `${forge}/${repository}`,
    base: base.sha,
    head: head.sha,
    ref: `refs/heads/${base.ref}`,
    authors: undefined,
  };
}
