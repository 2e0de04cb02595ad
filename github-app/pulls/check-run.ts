// Runs of the check at GitHub: opened, changed, counted, found again. Annotations can only be added to one, so a request
// with some is not sent twice.
import { z } from 'zod';
import type { Annotation, CheckContent } from './check-content.ts';
import type { Hub } from '../hub.ts';
import { within } from '../markdown.ts';
import type { CheckKey } from '../store.ts';

export const checkName = 'forgeguard';

const longestText = 65_000;
const write = { checks: 'write' } as const;
const read = { checks: 'read' } as const;

/** Whose check it is, and of which commit. */
export interface RunPlace {
  /** Of the check; `checkName` unless given. */
  readonly name?: string;
  readonly hub: Hub;
  readonly key: CheckKey;
  readonly head: string;
  readonly signal: AbortSignal;
}

/** What a run says while the work is under way. */
export const underWay = {
  status: 'in_progress',
  output: {
    title: 'Looking at the change',
    summary: 'The guard looks at the change. What it finds is told here.',
  },
} as const;

/** What a run says in the end, without annotations. */
export function finished({ conclusion, title, summary, text, actions, detailsUrl }: CheckContent) {
  return {
    status: 'completed',
    conclusion,
    ...(detailsUrl === null ? {} : { details_url: detailsUrl }),
    output: {
      title,
      summary: within(summary, longestText),
      ...(text === '' ? {} : { text: within(text, longestText) }),
    },
    actions,
  } as const;
}

type Body = typeof underWay | ReturnType<typeof finished>;

function withNotes(body: Body, notes: readonly Annotation[]) {
  return notes.length === 0 ? body : { ...body, output: { ...body.output, annotations: notes } };
}

/** Makes a run; gives its id. Where the answer is lost, `findRun` tells whether it was made. */
export async function createRun(
  { name = checkName, hub, key, head, signal }: RunPlace,
  body: Body,
  notes: readonly Annotation[],
): Promise<number> {
  const { id } = await hub.api.ask({
    repository: key.repository,
    signal,
    route: 'POST /repos/{owner}/{repo}/check-runs',
    parameters: {
      name,
      head_sha: head,
      external_id: key.subject,
      ...withNotes(body, notes),
    },
    permissions: write,
    answer: z.object({ id: z.int() }),
    mayRepeat: false,
  });
  return id;
}

/** Changes a run and adds annotations to it. */
export async function changeRun(
  { hub, key, signal }: RunPlace,
  run: number,
  body: Body,
  notes: readonly Annotation[],
): Promise<void> {
  await hub.api.ask({
    repository: key.repository,
    signal,
    route: 'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}',
    parameters: { check_run_id: run, ...withNotes(body, notes) },
    permissions: write,
    answer: z.object({ id: z.int() }),
    mayRepeat: notes.length === 0,
  });
}

/** How many annotations a run has. */
export async function countNotes({ hub, key, signal }: RunPlace, run: number): Promise<number> {
  const { output } = await hub.api.ask({
    repository: key.repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/check-runs/{check_run_id}',
    parameters: { check_run_id: run },
    permissions: read,
    answer: z.object({ output: z.object({ annotations_count: z.int() }) }),
  });
  return output.annotations_count;
}

/** The newest run of this subject and commit that was made after the run `known`. */
export async function findRun(
  { name = checkName, hub, key, head, signal }: RunPlace,
  known: number,
): Promise<number | undefined> {
  const { check_runs: runs } = await hub.api.ask({
    repository: key.repository,
    signal,
    route: 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
    parameters: { ref: head, check_name: name, app_id: hub.appId, filter: 'all', per_page: 100 },
    permissions: read,
    answer: z.object({
      check_runs: z.array(z.object({ id: z.int(), external_id: z.string().nullish() })),
    }),
  });
  const own = runs.filter(({ id, external_id: subject }) => subject === key.subject && id > known);
  return own.length === 0 ? undefined : Math.max(...own.map(({ id }) => id));
}
