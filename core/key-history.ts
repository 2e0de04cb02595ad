// Which key signs which checkpoint of a log whose signing key was rotated. A rotation is an entry; the checkpoint that
// covers it first is signed by both keys, those before by the old key, those after by the new one.
import type { AuditEntry } from './audit-entry.ts';
import { openCheckpoint, parseCheckpoint, parseVerifierKey, verifierKeyText } from './checkpoint.ts';
import type { NoteVerifier, SignedCheckpoint } from './checkpoint.ts';

/** A rotation, as its entry tells it. */
export interface KeyChange {
  /** The entry's index. */
  readonly index: number;
  readonly previous: NoteVerifier;
  readonly next: NoteVerifier;
}

/** The keys of one log, oldest first; `since` is the index of the entry that brought the key, -1 for the first. */
export type KeyHistory = readonly { readonly since: number; readonly key: NoteVerifier }[];

/** The rotation that an entry tells of; undefined where it tells of none, or not in the right form. */
export function keyChangeOf({ action, index, details }: AuditEntry): KeyChange | undefined {
  if (action !== 'audit.key-rotated') return undefined;
  const [previous, next] = [details['previous'], details['key']].map((text) =>
    typeof text === 'string' ? parseVerifierKey(text) : undefined,
  );
  if (previous === undefined || next === undefined || previous.name !== next.name) return undefined;
  return { index, previous, next };
}

/** True where two keys are one and the same under one name. */
export function sameKey(a: NoteVerifier, b: NoteVerifier): boolean {
  return verifierKeyText(a) === verifierKeyText(b);
}

/**
 * The history that `changes`, in the order of the log, and a key that is known to belong to it make. Undefined where
 * they do not fit together or `known` is not one of them.
 */
export function keyHistory(changes: readonly KeyChange[], known: NoteVerifier): KeyHistory | undefined {
  const keys = [
    { since: -1, key: changes[0]?.previous ?? known },
    ...changes.map(({ index, next }) => ({ since: index, key: next })),
  ];
  const fits = changes.every(({ previous }, at) => sameKey(previous, keys[at]?.key ?? known));
  return fits && keys.some(({ key }) => sameKey(key, known)) ? keys : undefined;
}

/** The key that signs checkpoints of this size. */
export function keyAt(history: KeyHistory, size: number): NoteVerifier | undefined {
  return history.findLast(({ since }) => since < size)?.key ?? history[0]?.key;
}

/** Reads a note and verifies it with the key of its size; undefined where it is not well signed. */
export function openHistorical(note: string, history: KeyHistory): SignedCheckpoint | undefined {
  const size = parseCheckpoint(note)?.size;
  const key = size === undefined ? undefined : keyAt(history, size);
  return key === undefined ? undefined : openCheckpoint(note, key);
}
