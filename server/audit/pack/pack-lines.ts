// The files of a pack that hold one JSON object a line. They come from anyone.
import type { z } from 'zod';
import { GuardError } from '../../../core/errors.ts';
import { checkpointLineSchema, openedLineSchema } from './pack-layout.ts';
import type { PackReader } from './pack-reader.ts';

/** The checkpoints of a pack, in its order. Rejects with `input/invalid`. */
export async function* checkpointsOf(
  pack: PackReader,
): AsyncGenerator<{ readonly size: number; readonly note: string }> {
  for await (const line of pack.lines('checkpoints')) {
    try {
      yield checkpointLineSchema.parse(JSON.parse(line));
    } catch (cause) {
      throw new GuardError('input/invalid', 'checkpoints/ of the evidence pack cannot be read', { cause });
    }
  }
}

/** What was sealed in entries, in the pack's order. Rejects with `input/invalid`. */
export async function* openedTexts(
  pack: PackReader,
): AsyncGenerator<z.output<typeof openedLineSchema>, undefined> {
  for await (const line of pack.lines('opened')) {
    try {
      yield openedLineSchema.parse(JSON.parse(line));
    } catch (cause) {
      throw new GuardError('input/invalid', 'opened/ of the evidence pack cannot be read', { cause });
    }
  }
}

/** The entries of a bundle, without their lengths. */
export function entriesIn(bundle: Buffer): readonly Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at + 2 <= bundle.length;) {
    const length = bundle.readUInt16BE(at);
    entries.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}
