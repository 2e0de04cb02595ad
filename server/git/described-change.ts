// One changed file as it may be shown and kept: both versions masked, then compared.
import { changesCaps, type HeldFileChange } from '../../core/approval/changes.ts';
import { GuardError } from '../../core/errors.ts';
import type { Oid } from '../../core/oid.ts';
import { diffMasked, type MaskedFile, maskedFile } from './masked-diff.ts';
import { fetchMissing } from './missing-objects.ts';
import type { ObjectReader } from './object-reader.ts';
import type { PushServices } from './push-stage.ts';
import type { RefChange } from './ref-changes.ts';
import type { Workshop } from './workshop.ts';

const regular = /^100/;
const linkMode = '120000';

/** The cache holds trees alone: contents are asked for where somebody wants to see them. */
export async function fetchContents(
  workshop: Workshop,
  reader: ObjectReader,
  changes: readonly RefChange[],
  signal: AbortSignal,
): Promise<void> {
  const wanted = changes.flatMap((change) => [...contentOf(change.old), ...contentOf(change.new)]);
  await fetchMissing(workshop, reader, [...new Set(wanted)], signal);
}

function contentOf(version: RefChange['old']): readonly Oid[] {
  return version !== null && (regular.test(version.mode) || version.mode === linkMode) ? [version.oid] : [];
}

interface Side {
  /** Null where there is no content to show, such as of a submodule. */
  readonly bytes: number | null;
  readonly file: MaskedFile | 'binary' | 'large' | null;
}

/** One change with its masked lines; `shownPath` is its masked path. Rejects with a `GuardError`. */
export async function describeChange(
  services: Pick<PushServices, 'scanner'>,
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
  services: Pick<PushServices, 'scanner'>,
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
    throw new GuardError('upstream/invalid', 'the upstream did not send a file of the change');
  if (size > changesCaps.fileBytes) return { bytes: size, file: 'large' };
  // As it is scanned when it is pushed.
  const kind = version?.mode === linkMode ? 'names' : 'file';
  const read = await reader.object(oid);
  if (read === undefined) throw new GuardError('internal', "couldn't read a file of the change");
  return { bytes: size, file: await maskedFile(services.scanner, { kind, path }, read.data, oid, signal) };
}
