// What a proposed merge would change, as a reviewer sees it: both sides are at the upstream and are read from there when
// somebody looks.
import { zeroOid } from '../../core/oid.ts';
import { GuardError } from '../../core/errors.ts';
import type { HeldChanges, ScanService } from '../../core/services.ts';
import { changesPage, readCursor } from './changes-page.ts';
import { diffPatiently } from './ref-changes.ts';
import type { Repository } from './repository.ts';
import { Workshop, type WorkshopServices } from './workshop.ts';

export interface ProposedChangesServices extends WorkshopServices {
  readonly scanner: ScanService;
  readonly repositoryOf: (name: string) => Repository;
}

/** The port for requests whose first ref update is from what the change is compared with to what it proposes. */
export function createProposedChanges(services: ProposedChangesServices): HeldChanges {
  return {
    async changes({ binding }, after, signal) {
      const [update] = binding.refUpdates;
      if (update === undefined) throw new GuardError('internal', 'the request is about no commit');
      const start = readCursor(after);
      const objectFormat = update.newOid.length === 64 ? 'sha256' : 'sha1';
      const repository = services.repositoryOf(binding.repository);
      await using workshop = await Workshop.open(services, repository, objectFormat, undefined);
      const base = update.oldOid === zeroOid(objectFormat) ? undefined : update.oldOid;
      const changes = await diffPatiently(base, update.newOid, {
        graph: undefined,
        reader: () => workshop.reader(signal),
        history: workshop.history,
        remote: workshop.remote,
        objectFormat,
        signal,
      });
      const sorted = changes.toSorted((left, right) => (left.path < right.path ? -1 : 1));
      const shown = sorted.map((change) => ({ ...change, ref: update.ref }));
      return await changesPage(services, workshop, shown, start, signal);
    },
  };
}
