// What a held push would change, as a reviewer sees it: computed when somebody looks, masked before anything of it leaves
// here. The files of before are fetched from the upstream one page at a time.
import { changesCaps, type HeldChangesAnswer, type HeldFileChange } from '../../core/approval/changes.ts';
import { isTerminal } from '../../core/approval/state.ts';
import { GuardError } from '../../core/errors.ts';
import type { Oid } from '../../core/oid.ts';
import type { HeldChanges } from '../../core/services.ts';
import type { ApplyServices } from './apply-held.ts';
import { contextOf, inspectObjects } from './decide-push.ts';
import { diffMasked, type MaskedFile, maskedFile } from './masked-diff.ts';
import { scanNames } from './masked-names.ts';
import { pushOfHeld } from './held-push.ts';
import type { ObjectReader } from './object-reader.ts';
import { changedPaths, classifyUpdates, type RefChange } from './ref-changes.ts';
import type { Push } from './push-stage.ts';
import type { Pack } from './quarantine.ts';
import { Workshop } from './workshop.ts';

const regular = /^100/;

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
      return await pageOf(services, workshop, changes, start, signal);
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

function readCursor(after: string | null): number {
  if (after === null) return 0;
  if (!/^\d{1,9}$/.test(after))
    throw new GuardError('input/invalid', '`after` is not what an earlier page gave as `next`');
  return Number(after);
}

async function pageOf(
  services: ApplyServices,
  workshop: Workshop,
  changes: readonly RefChange[],
  start: number,
  signal: AbortSignal,
): Promise<HeldChangesAnswer> {
  const wanted = changes.slice(start, start + changesCaps.files);
  const names = await scanNames(
    wanted.map(({ path }) => path),
    services.scanner,
    signal,
  );
  const reader = await workshop.reader(signal);
  await fetchBefore(workshop, reader, wanted, signal);
  const files: HeldFileChange[] = [];
  let length = 0;
  for (const change of wanted) {
    const file = await describe(services, workshop, reader, change, names.shown(change.path), signal);
    length += file.hunks.reduce(
      (sum, hunk) => sum + hunk.lines.reduce((own, { text }) => own + text.length, 0),
      0,
    );
    if (files.length > 0 && length > changesCaps.pageLength) break;
    files.push(file);
  }
  const next = start + files.length;
  return { kind: 'page', files, total: changes.length, next: next < changes.length ? String(next) : null };
}

/** The cache holds trees alone: contents are asked for where somebody wants to see them. */
async function fetchBefore(
  workshop: Workshop,
  reader: ObjectReader,
  changes: readonly RefChange[],
  signal: AbortSignal,
): Promise<void> {
  const old = [...new Set(changes.flatMap((change) => contentOf(change.old)))];
  const missing: Oid[] = [];
  let at = 0;
  for await (const header of reader.headers(old)) {
    const oid = old[at++];
    if (header === undefined && oid !== undefined) missing.push(oid);
  }
  if (missing.length > 0) await workshop.history.fetchTrees(workshop.remote, missing, signal);
}

function contentOf(version: RefChange['old']): readonly Oid[] {
  return version !== null && (regular.test(version.mode) || version.mode === '120000') ? [version.oid] : [];
}

interface Side {
  /** Null where there is no content to show, such as of a submodule. */
  readonly bytes: number | null;
  readonly file: MaskedFile | 'binary' | 'large' | null;
}

async function describe(
  services: ApplyServices,
  workshop: Workshop,
  reader: ObjectReader,
  change: RefChange,
  shownPath: string,
  signal: AbortSignal,
): Promise<HeldFileChange> {
  const before = await sideOf(services, reader, change.path, change.old, signal);
  const after = await sideOf(services, reader, change.path, change.new, signal);
  const kinds = [before.file, after.file];
  const isShown = !kinds.includes('binary') && !kinds.includes('large');
  const texts = kinds.map((file) => (typeof file === 'object' ? file : null));
  const diff =
    isShown && change.old?.oid !== change.new?.oid
      ? await diffMasked(workshop.quarantine.path, texts[0]?.text ?? null, texts[1]?.text ?? null, signal)
      : { hunks: [], truncated: false };
  return {
    ref: change.ref,
    path: shownPath,
    change: change.change,
    oldMode: change.old?.mode ?? null,
    newMode: change.new?.mode ?? null,
    oldBytes: before.bytes,
    newBytes: after.bytes,
    binary: kinds.includes('binary'),
    truncated: diff.truncated || kinds.includes('large'),
    masked: (texts[0]?.masked ?? 0) + (texts[1]?.masked ?? 0),
    hunks: diff.hunks,
  };
}

async function sideOf(
  services: ApplyServices,
  reader: ObjectReader,
  path: string,
  version: RefChange['old'],
  signal: AbortSignal,
): Promise<Side> {
  const [oid] = contentOf(version);
  if (oid === undefined) return { bytes: null, file: null };
  let size: number | undefined;
  for await (const header of reader.headers([oid])) size = header?.size;
  if (size === undefined)
    throw new GuardError('upstream/invalid', 'the upstream did not send a file of before');
  if (size > changesCaps.fileBytes) return { bytes: size, file: 'large' };
  const read = await reader.object(oid);
  if (read === undefined) throw new GuardError('internal', "couldn't read a file of the held push");
  return { bytes: size, file: await maskedFile(services.scanner, path, read.data, oid, signal) };
}
