// Checkpoints that are opened ahead: in their order, and to the same end as one after the other.
import { generateKeyPairSync, hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSigner, openCheckpoint, openCheckpointBeside, signCheckpoint } from '../../core/checkpoint.ts';
import { OpenedCheckpoints, type KeptCheckpoint } from '../../core/opened-checkpoints.ts';

const signer = createSigner('log.example', generateKeyPairSync('ed25519').privateKey);
const next = createSigner('log.example', generateKeyPairSync('ed25519').privateKey);
const root = hash('sha256', 'root', 'buffer');
const signed = (size: number, by = signer): KeptCheckpoint => ({
  size,
  note: signCheckpoint({ size, root }, by),
});

/** Checkpoints of 1 to 100 entries; the key changes behind entry 59. */
const kept: readonly KeptCheckpoint[] = Array.from({ length: 100 }, (_, at) => {
  const size = at + 1;
  const good = signed(size, size > 60 ? next : signer);
  if (size === 17) return { size, note: good.note.replace('\n17\n', '\n18\n') };
  if (size === 31) return { size, note: 'nothing' };
  if (size === 47) return { size, note: `${good.note}${signed(48).note.split('\n\n')[1] ?? ''}` };
  return good;
});
const keys = [
  { since: -1, key: signer },
  { since: 60, key: next },
];

async function* source(): AsyncGenerator<KeptCheckpoint> {
  yield* kept;
}

test('each comes in its order and opens as it does by itself, whichever key is asked for', async () => {
  const opened = new OpenedCheckpoints(keys);
  const seen: KeptCheckpoint[] = [];
  const bad: number[] = [];
  for await (const one of opened.ahead(source())) {
    seen.push(one);
    for (const key of [signer, next])
      expect(opened.open(one.note, key)).toEqual(openCheckpoint(one.note, key));
    // Another one than that whose turn it is.
    expect(opened.open(kept[0]?.note ?? '', signer)?.size).toBe(1);
    if (opened.open(one.note, one.size > 60 ? next : signer) === undefined) bad.push(one.size);
  }
  expect(seen).toEqual(kept);
  // Another text, no note, and a bad signature beside the good one.
  expect(bad).toEqual([17, 31, 47]);
});

test('a signature that is verified beside is judged the same', async () => {
  for (const { note } of kept)
    expect(await openCheckpointBeside(note, signer)).toEqual(openCheckpoint(note, signer));
});

test('what the source fails with is told behind what came before', async () => {
  async function* failing(): AsyncGenerator<KeptCheckpoint> {
    yield* kept.slice(0, 3);
    throw new Error('gone');
  }
  const walk = async (): Promise<void> => {
    for await (const one of new OpenedCheckpoints(keys).ahead(failing())) expect(one.size).toBeLessThan(4);
  };
  await expect(walk()).rejects.toThrow('gone');
});
