// Webhooks about which repositories the App reaches. All of them have the list read again, which is what counts; those that
// take repositories out of its sight are remembered, because the list does not say why, nor who did it.
import { z } from 'zod';
import type { Asked, Reader } from '../event-reader.ts';
import { installedWork } from '../work.ts';
import { accountSchema, type SightNote } from './sight-note.ts';

const readList: Asked = { kind: 'work', work: installedWork };

const repository = z.object({ id: z.int() });
const repositories = z.array(repository).max(20_000).default([]);
const sender = accountSchema.nullish();
const idsOf = (some: z.output<typeof repositories>): readonly number[] => some.map(({ id }) => id);

const ofRepository = z.object({ action: z.enum(['deleted', 'transferred']), repository, sender });
const ofInstallation = z.object({
  action: z.enum(['deleted', 'suspend']),
  installation: z.object({ account: z.object({ login: z.string().max(200) }).nullish() }),
  repositories,
  sender,
});
const ofRepositories = z.object({
  action: z.literal('removed'),
  repositories_removed: repositories,
  sender,
});

/** Remembers it, where it has the form; a shape that is not known only has the list read. */
function noted<T>(schema: z.ZodType<T>, noteOf: (payload: T) => SightNote): Reader {
  return (payload) => {
    const read = schema.safeParse(payload);
    return read.success ? { kind: 'sight', note: noteOf(read.data) } : readList;
  };
}

/** The readers by event. */
export const sightReaders: Readonly<Record<string, Reader>> = {
  repository: noted(ofRepository, (payload) => ({
    reason: payload.action,
    ids: [payload.repository.id],
    account: null,
    by: payload.sender ?? null,
  })),
  installation: noted(ofInstallation, (payload) => ({
    reason: payload.action === 'deleted' ? 'uninstalled' : 'suspended',
    ids: idsOf(payload.repositories),
    account: payload.installation.account?.login ?? null,
    by: payload.sender ?? null,
  })),
  installation_repositories: noted(ofRepositories, (payload) => ({
    reason: 'removed',
    ids: idsOf(payload.repositories_removed),
    account: null,
    by: payload.sender ?? null,
  })),
};
