// Keeps what a decided push changes, masked, after its client has the answer: computed from the quarantine before that is
// removed, stored, and then named by its digest in the audit log. A push for which that cannot be done has an entry, too.
import { evidenceCaps, type EvidenceStore, type PushChanges } from '../../core/activity/evidence.ts';
import type { HeldFileChange } from '../../core/approval/changes.ts';
import { asGuardError } from '../../core/errors.ts';
import type { AuditLog } from '../../core/services.ts';
import { contextOf } from './decide-push.ts';
import { describeChange, fetchContents } from './described-change.ts';
import { scanNames } from './masked-names.ts';
import { evidenceEvent } from './push-audit.ts';
import type {
  DecidedPush,
  Decision,
  EvidenceKeeper,
  Push,
  PushServices,
  ReceivedStage,
} from './push-stage.ts';
import { changedPaths, type RefChange } from './ref-changes.ts';

export interface EvidenceKeeperOptions {
  readonly store: EvidenceStore;
  readonly audit: Pick<AuditLog, 'append'>;
  /** Rest of what the changes are told from. */
  readonly services: () => PushServices;
}

/** Pushes that wait for their evidence; each keeps its quarantine. */
const mostWaiting = 16;
const longestMs = 15_000;
/** How long those that wait at a stop may still take, all together. */
const graceMs = 3_000;
/** Files whose content is looked at together. */
const pageFiles = 20;
/** What a file without lines takes at least, as JSON. */
const bareFileBytes = 220;

/** One push after the other, so that evidence never takes more of the machine than that. */
export function createEvidenceKeeper({ store, audit, services }: EvidenceKeeperOptions): EvidenceKeeper {
  const stopping = new AbortController();
  const waiting: DecidedPush[] = [];
  let working: Promise<void> | undefined;

  async function keep({ push, stage, decision }: DecidedPush): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(longestMs)]);
    const evidence = await describePush(services(), { ...push, signal }, stage, decision);
    const { digest, bytes, key } = await store.keep(evidence);
    const { total, files } = evidence;
    await audit.append(
      evidenceEvent(push.identity, {
        kind: 'push-changes',
        digest,
        bytes,
        key,
        files: files.length,
        paths: total,
      }),
    );
  }

  async function recordMissing({ push }: DecidedPush, missing: string): Promise<void> {
    await audit.append(evidenceEvent(push.identity, { kind: 'push-changes', missing }));
  }

  async function take(decided: DecidedPush): Promise<void> {
    const { push } = decided;
    try {
      if (stopping.signal.aborted) await recordMissing(decided, 'stopped');
      else await keep(decided);
    } catch (thrown) {
      const error = asGuardError(thrown, 'internal', "couldn't keep what a push changes");
      if (!stopping.signal.aborted) push.client.onFailure(error);
      // Where the log cannot be written now, nothing can be said.
      await recordMissing(decided, stopping.signal.aborted ? 'stopped' : error.code).catch(() => undefined);
    } finally {
      await dispose(decided);
    }
  }

  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await take(next);
    working = undefined;
  }

  return {
    keepLater: (decided) => {
      if (waiting.length < mostWaiting) {
        waiting.push(decided);
        working ??= work();
        return;
      }
      const told = recordMissing(decided, 'busy').catch(() => undefined);
      told.then(() => dispose(decided)).catch(() => undefined);
    },
    stop: async () => {
      const late = setTimeout(() => stopping.abort(), graceMs);
      await working;
      clearTimeout(late);
    },
  };
}

/** A directory that cannot be removed now is removed at the next start. */
async function dispose({ owned }: DecidedPush): Promise<void> {
  await Promise.resolve(owned[Symbol.asyncDispose]()).catch(() => undefined);
}

async function describePush(
  services: PushServices,
  push: Push,
  stage: ReceivedStage,
  { facts, inspection }: Decision,
): Promise<PushChanges> {
  const context = await contextOf(services, push, stage, inspection);
  const { paths } = await changedPaths(facts.updates, context, 'exact');
  return {
    v: 1,
    kind: 'push-changes',
    request: push.identity.request,
    repository: push.identity.repository,
    objectSetDigest: facts.objectSetDigest,
    total: paths.length,
    files: await describeFiles(services, push, stage, paths.slice(0, evidenceCaps.files)),
  };
}

/** The files with as many of their lines as there is room for, in order; what has none is named without lines. */
async function describeFiles(
  services: PushServices,
  push: Push,
  stage: ReceivedStage,
  changes: readonly RefChange[],
): Promise<readonly HeldFileChange[]> {
  const { signal, text } = push;
  const names = await scanNames(
    changes.map(({ path }) => path),
    services.scanner,
    signal,
  );
  const bare = changes.map((change) => bareFile(change, text.shownRef(change.ref), names.shown(change.path)));
  let room = evidenceCaps.bytes - bare.reduce((sum, file) => sum + sizeOf(file), 1_024);
  const files: HeldFileChange[] = [];
  const reader = await stage.workshop.reader(signal);
  for (let at = 0; at < changes.length && room > bareFileBytes; at += pageFiles) {
    const page = changes.slice(at, at + pageFiles);
    await fetchContents(stage.workshop, reader, page, signal);
    for (const [offset, change] of page.entries()) {
      const named = bare[at + offset];
      if (named === undefined) continue;
      const described = await describeChange(services, stage.workshop, reader, change, named.path, signal);
      const whole = { ...described, ref: named.ref };
      const more = sizeOf(whole) - sizeOf(named);
      files.push(more <= room ? whole : named);
      if (more <= room) room -= more;
      if (room <= bareFileBytes) break;
    }
  }
  return [...files, ...bare.slice(files.length)].slice(0, fitting(bare));
}

/** How many files can be named at all. */
function fitting(files: readonly HeldFileChange[]): number {
  let room = evidenceCaps.bytes - 1_024;
  const past = files.findIndex((file) => (room -= sizeOf(file)) < 0);
  return past < 0 ? files.length : past;
}

function bareFile({ change, old, new: now }: RefChange, ref: string, path: string): HeldFileChange {
  return {
    ref,
    path,
    change,
    oldMode: old?.mode ?? null,
    newMode: now?.mode ?? null,
    oldBytes: null,
    newBytes: null,
    binary: false,
    truncated: true,
    masked: 0,
    hunks: [],
  };
}

function sizeOf(file: HeldFileChange): number {
  return Buffer.byteLength(JSON.stringify(file)) + 1;
}
