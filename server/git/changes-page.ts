// A page of changed files as a reviewer sees them: masked before anything of it leaves here.
import { changesCaps, type HeldChangesPage, type HeldFileChange } from '../../core/approval/changes.ts';
import { GuardError } from '../../core/errors.ts';
import type { ScanService } from '../../core/services.ts';
import { describeChange, fetchContents } from './described-change.ts';
import { scanNames } from './masked-names.ts';
import type { RefChange } from './ref-changes.ts';
import type { Workshop } from './workshop.ts';

/** Where a page begins; throws `input/invalid` for what no page gave. */
export function readCursor(after: string | null): number {
  if (after === null) return 0;
  if (!/^\d{1,9}$/.test(after))
    throw new GuardError('input/invalid', '`after` is not what an earlier page gave as `next`');
  return Number(after);
}

/** The page of these changes that begins at `start`. Contents that are not here are fetched from the upstream. */
export async function changesPage(
  services: { readonly scanner: ScanService },
  workshop: Workshop,
  changes: readonly RefChange[],
  start: number,
  signal: AbortSignal,
): Promise<HeldChangesPage> {
  const wanted = changes.slice(start, start + changesCaps.files);
  const names = await scanNames(
    wanted.map(({ path }) => path),
    services.scanner,
    signal,
  );
  const reader = await workshop.reader(signal);
  await fetchContents(workshop, reader, wanted, signal);
  const files: HeldFileChange[] = [];
  let length = 0;
  for (const change of wanted) {
    const file = await describeChange(services, workshop, reader, change, names.shown(change.path), signal);
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
