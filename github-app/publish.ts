// Writes a check at GitHub within its limits, and only where something has changed. Annotations can only be added to a
// check: where they have changed, a new one takes its place.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Annotation, CheckContent } from './check-content.ts';
import type { Hub } from './hub.ts';
import { within } from './markdown.ts';
import type { KnownCheck } from './store.ts';

export const checkName = 'forgeguard';

const longestText = 65_000;
const annotationsAtOnce = 50;
const runAnswer = z.object({ id: z.int() });

export interface Publication {
  /** Of the check; `checkName` unless given. */
  readonly name?: string;
  readonly repository: string;
  readonly head: string;
  readonly content: CheckContent;
  readonly externalId: string;
  /** What was published before; undefined where nothing was. */
  readonly known: KnownCheck | undefined;
  /** Whether it is written although nothing has changed. */
  readonly isForced: boolean;
  readonly signal: AbortSignal;
}

export type Published = Pick<KnownCheck, 'head' | 'run' | 'published' | 'annotations'>;

const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** Writes the check. Rejects as `GithubApi.ask` does. */
export async function publishCheck(hub: Hub, publication: Publication): Promise<Published> {
  const { head, known, content, isForced } = publication;
  const { annotations: notes, ...rest } = content;
  const [published, annotations] = [digestOf(rest), digestOf(notes)];
  const isSameRun = known !== undefined && known.run !== null && known.head === head;
  const hasSameNotes = isSameRun && known.annotations === annotations;
  if (hasSameNotes && known.published === published && !isForced)
    return { head, run: known.run, published, annotations };
  const run =
    hasSameNotes && !isForced && known.run !== null
      ? await updateRun(hub, publication, known.run)
      : await createRun(hub, publication);
  return { head, run, published, annotations };
}

function bodyOf({ content, externalId }: Publication, notes: readonly Annotation[]) {
  return {
    status: 'completed',
    conclusion: content.conclusion,
    external_id: externalId,
    ...(content.detailsUrl === null ? {} : { details_url: content.detailsUrl }),
    output: {
      title: content.title,
      summary: within(content.summary, longestText),
      ...(content.text === '' ? {} : { text: within(content.text, longestText) }),
      ...(notes.length === 0 ? {} : { annotations: notes }),
    },
    actions: content.actions,
  };
}

const permissions = { checks: 'write' } as const;

async function createRun(hub: Hub, publication: Publication): Promise<number> {
  const { repository, head, content, signal } = publication;
  const [first = [], ...others] = batches(content.annotations);
  const { id } = await hub.api.ask({
    repository,
    signal,
    route: 'POST /repos/{owner}/{repo}/check-runs',
    parameters: { name: publication.name ?? checkName, head_sha: head, ...bodyOf(publication, first) },
    permissions,
    answer: runAnswer,
  });
  for (const batch of others) await patch(hub, publication, id, batch);
  return id;
}

async function updateRun(hub: Hub, publication: Publication, run: number): Promise<number> {
  await patch(hub, publication, run, []);
  return run;
}

async function patch(
  hub: Hub,
  publication: Publication,
  run: number,
  notes: readonly Annotation[],
): Promise<void> {
  await hub.api.ask({
    repository: publication.repository,
    signal: publication.signal,
    route: 'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}',
    parameters: { check_run_id: run, ...bodyOf(publication, notes) },
    permissions,
    answer: runAnswer,
  });
}

function batches(annotations: readonly Annotation[]): readonly (readonly Annotation[])[] {
  const parts: (readonly Annotation[])[] = [];
  for (let at = 0; at < annotations.length; at += annotationsAtOnce)
    parts.push(annotations.slice(at, at + annotationsAtOnce));
  return parts;
}
