// What is scanned: what the event's change brings, the whole tree, or what is staged; and the texts of the event.
import { GuardError } from '../core/errors.ts';
import { rangeItems, stagedItems } from '../workcopy/scan-changes.ts';
import { listFiles } from '../workcopy/scan-files.ts';
import { once, type ScanItem, type ScanProblem, type ScanSource } from '../workcopy/scan-item.ts';
import { streamGit, tryGit, type WorkingCopy } from '../workcopy/working-copy.ts';
import type { Asked, EventText } from './event.ts';
import { findChange, type Change } from './history.ts';
import type { Inputs } from './inputs.ts';

export interface Subject {
  readonly source: ScanSource;
  /** The change that is judged, where there is one. */
  readonly change: Change | undefined;
  /** The commit whose files are no part of what is judged; policy and baseline are read there. */
  readonly trusted: string | undefined;
  readonly what: 'diff' | 'full' | 'staged';
}

/** Decides what to scan. Rejects with `action/history` or `input/invalid` where that is not possible. */
export async function findSubject(
  copy: WorkingCopy,
  asked: Exclude<Asked, { readonly kind: 'nothing' }>,
  mode: Inputs['mode'],
  leaveOutKnown: boolean,
): Promise<Subject> {
  if (mode === 'staged')
    return { source: { items: stagedItems(copy) }, change: undefined, trusted: 'HEAD', what: 'staged' };
  if (asked.kind === 'tree') {
    if (mode === 'diff')
      throw new GuardError('input/invalid', 'mode: this event has no change; use `full` or `auto`');
    const source = { items: treeItems(copy, undefined) };
    return { source, change: undefined, trusted: 'HEAD', what: 'full' };
  }
  const change = await findChange(copy, asked);
  const known = leaveOutKnown ? change.base : undefined;
  const items =
    mode === 'full'
      ? treeItems(copy, known)
      : rangeItems(copy, change, { leaveOutKnown: known !== undefined });
  const source = { items: withTexts(asked.texts, items) };
  return { source, change, trusted: change.trusted, what: mode === 'full' ? 'full' : 'diff' };
}

async function* withTexts(
  texts: readonly EventText[],
  items: ScanSource['items'],
): AsyncGenerator<ScanItem | ScanProblem> {
  for (const { target, text } of texts)
    if (text !== '') yield { kind: 'item', target, read: once(Buffer.from(text)) };
  yield* items;
}

/** Every file that Git tracks or would add; with `known`, findings that the file had in that commit are left out. */
async function* treeItems(
  copy: WorkingCopy,
  known: string | undefined,
): AsyncGenerator<ScanItem | ScanProblem> {
  const { items } = await listFiles(['.'], true);
  for await (const item of items) {
    const name = known === undefined || item.kind === 'problem' ? undefined : `${known}:${item.target.path}`;
    const isKnown = name !== undefined && (await tryGit(copy, ['cat-file', '-e', name])).code === 0;
    if (item.kind === 'item' && isKnown)
      yield { ...item, before: [() => streamGit(copy, ['cat-file', 'blob', name])] };
    else yield item;
  }
}
