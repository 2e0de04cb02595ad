// What the GitHub App works off: which pull request, merge group or run to look at, or which button somebody pressed. Ids and
// names only; everything else is asked of GitHub when it is done, so that late, doubled or reordered webhooks do no harm.
import { z } from 'zod';

export const workKinds = [
  'pull',
  'queue',
  'press',
  'run',
  'deployment',
  'push',
  'compare',
  'installed',
  'deliveries',
  'posture',
] as const;

export const pressIdentifiers = ['approve', 'deny', 'rescan'] as const;

const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);

const pullData = z.object({
  number: z.int().min(1),
  /** Whether the check is written anew even where nothing has changed. */
  isForced: z.boolean(),
});

const queueData = z.object({
  head: oid,
  base: oid,
  baseRef: z.string().max(1_024),
  /** The pull request that the group adds; null where the name of its branch does not say. */
  number: z.int().min(1).nullable(),
});

const pressData = z.object({
  run: z.int().min(1),
  head: oid,
  identifier: z.enum(pressIdentifiers),
  /** Who pressed, as the signed webhook says. */
  login: z.string().max(200),
  userId: z.int(),
  isBot: z.boolean(),
});

const runData = z.object({ run: z.int().min(1) });

const deploymentData = z.object({ deployment: z.int().min(1), run: z.int().min(1) });

const pushData = z.object({
  /** Full name. */
  ref: z.string().max(1_024),
  before: oid,
  after: oid,
  isForced: z.boolean(),
  /** Null where GitHub did not say. */
  commits: z.int().nullable(),
  by: z.object({ login: z.string().max(200), id: z.int(), type: z.string().max(100) }).nullable(),
  /** How GitHub calls the one whose credential it was, where that is not the login. */
  pusher: z.string().max(200).nullable(),
  /** Id of the webhook; null where a comparison found the push. */
  delivery: z.string().nullable(),
});

const nothing = z.object({});

export const workDataSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pull'), data: pullData }),
  z.object({ kind: z.literal('queue'), data: queueData }),
  z.object({ kind: z.literal('press'), data: pressData }),
  z.object({ kind: z.literal('run'), data: runData }),
  z.object({ kind: z.literal('deployment'), data: deploymentData }),
  z.object({ kind: z.literal('push'), data: pushData }),
  z.object({ kind: z.literal('compare'), data: nothing }),
  z.object({ kind: z.literal('installed'), data: nothing }),
  z.object({ kind: z.literal('deliveries'), data: nothing }),
  z.object({ kind: z.literal('posture'), data: nothing }),
]);
export type WorkData = z.output<typeof workDataSchema>;
export type Press = z.output<typeof pressData>;
export type ToldPush = z.output<typeof pushData>;

export type Work = WorkData & {
  readonly id: string;
  readonly forge: string;
  /** `owner/name` in lower case; empty for what is about the App as a whole. */
  readonly repository: string;
  readonly subject: string;
  readonly generation: number;
  /** This one included. */
  readonly attempts: number;
  readonly createdAt: Date;
};

/** Work that is not put in yet. */
export type NewWork = WorkData & { readonly repository: string; readonly subject: string };

/** The list of repositories is to be read again. */
export const installedWork: NewWork = { kind: 'installed', repository: '', subject: 'app', data: {} };

/** A look at a pull request. `isForced` has its check written anew even where nothing has changed. */
export function pullWork(repository: string, number: number, isForced: boolean): NewWork {
  return { kind: 'pull', repository, subject: String(number), data: { number, isForced } };
}
