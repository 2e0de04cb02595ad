// What a held push would change, as a reviewer sees it: computed when somebody looks, masked before anything of it leaves
// here, one page at a time.
import { isTerminal } from '../../core/approval/state.ts';
import type { HeldChanges } from '../../core/services.ts';
import type { ApplyServices } from './apply-held.ts';
import { changesPage, readCursor } from './changes-page.ts';
import { contextOf, inspectObjects } from './decide-push.ts';
import { pushOfHeld } from './held-push.ts';
import { changedPaths, classifyUpdates, type RefChange } from './ref-changes.ts';
import type { Push } from './push-stage.ts';
import type { Pack } from './quarantine.ts';
import { Workshop } from './workshop.ts';

/** Lists of changed paths that are kept for the next page, and for how long. */
const keptLists = 8;
const keptMs = 5 * 60_000;

/** The port over the store of held pushes. */
export function createHeldChanges(services: ApplyServices): HeldChanges {
  const lists = new Map<string, { readonly changes: readonly RefChange[]; readonly until: number }>();

  function recall(id: string): readonly RefChange[] | undefined {
    const known = lists.get(id);
    return known !== undefined && known.until > performance.now() ? known.changes : undefined;
  }

  function remember(id: string, changes: readonly RefChange[]): void {
    lists.delete(id);
    lists.set(id, { changes, until: performance.now() + keptMs });
    for (const oldest of lists.keys()) if (lists.size > keptLists) lists.delete(oldest);
  }

  return {
    async changes(approval, after, signal) {
      const kept = isTerminal(approval.state) ? undefined : await services.held.find(approval.held);
      if (kept === undefined) return { kind: 'gone' };
      const start = readCursor(after);
      const repository = services.repositoryOf(kept.push.repository);
      await using workshop = await Workshop.open(services, repository, kept.push.objectFormat, undefined);
      const pack =
        kept.packPath === undefined
          ? undefined
          : await workshop.quarantine.adopt(kept.packPath, kept.push.announced);
      let changes = recall(approval.id);
      if (changes === undefined) {
        const push = await pushOfHeld(services, approval, kept.push, signal);
        changes = await listChanges(services, push, workshop, pack);
        remember(approval.id, changes);
      }
      return await changesPage(services, workshop, changes, start, signal);
    },
  };
}

async function listChanges(
  services: ApplyServices,
  push: Push,
  workshop: Workshop,
  pack: Pack | undefined,
): Promise<readonly RefChange[]> {
  const inspection =
    pack === undefined ? undefined : await inspectObjects(services, push, { workshop }, pack);
  const { repository } = push.client;
  const defaultBranch = services.facts.defaultBranch(repository, undefined, push.signal);
  const context = await contextOf(services, push, { workshop, defaultBranch }, inspection);
  const updates = await classifyUpdates(push.request.commands, context);
  return (await changedPaths(updates, context, 'exact')).paths;
}
