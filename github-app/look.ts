// One look at an open pull request: what it changes, what people wrote in it, what the policy says. Nothing is written.
import type { Principal } from '../core/principal.ts';
import { type Hub, type HubServices, repositoryId } from './hub.ts';
import { judgeChange, type Judged, scanSpoken } from './judge-change.ts';
import { authorOf } from './people.ts';
import { type Conversation, type Pull, type PullPlace, readConversation } from './pull.ts';
import type { KnownCheck } from './store.ts';

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
  const target = `refs/heads/${pull.base.ref}`;
  const [scan, conversation] = await Promise.all([
    services.changes.scanChange(
      {
        repository: `${hub.forge}/${place.repository}`,
        base: pull.base.sha,
        head: pull.head.sha,
        ref: target,
      },
      place.signal,
    ),
    readConversation(hub, place, pull, known?.comment ?? null),
  ]);
  const texts = await scanSpoken(services.scanner, conversation.spoken, place.signal);
  const facts = {
    actor,
    target,
    repository: repositoryId(hub, place.repository),
    isDefaultBranch: pull.base.ref === pull.base.repo.default_branch,
    head: pull.head.sha,
    base: pull.base.sha,
  };
  return { place, pull, actor, conversation, judged: judgeChange(services, facts, scan, texts) };
}
