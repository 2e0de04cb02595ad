// Seeded damage to requests: bytes, packets and whole objects changed in the ways that find mistakes in readers.
import { createHash } from 'node:crypto';
import type { Random } from './random.ts';

type Mutator = (bytes: Buffer, random: Random) => Uint8Array;

/** Numbers at which lengths and counts turn over. */
const edges = [
  '0000',
  '0001',
  '0002',
  '0003',
  '0004',
  '0005',
  'fff0',
  'fff1',
  'ffff',
  '-001',
  ' 010',
  '0x10',
];

const mutators: readonly Mutator[] = [
  function flipBits(bytes, random) {
    const changed = Buffer.from(bytes);
    for (let left = random.int(1, 8); left > 0 && changed.length > 0; left -= 1) {
      const at = random.int(0, changed.length - 1);
      changed[at] = (changed[at] ?? 0) ^ (1 << random.int(0, 7));
    }
    return changed;
  },
  function cutOff(bytes, random) {
    return bytes.subarray(0, random.int(0, bytes.length));
  },
  function cutOut(bytes, random) {
    const [from, to] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function repeat(bytes, random) {
    const [from, to] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  function insertNoise(bytes, random) {
    const at = random.int(0, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(random.int(1, 200)), bytes.subarray(at)]);
  },
  function appendNoise(bytes, random) {
    return Buffer.concat([bytes, random.bytes(random.int(1, 2_000))]);
  },
  function writeEdge(bytes, random) {
    const changed = Buffer.from(bytes);
    changed.write(random.pick(edges), random.int(0, Math.max(0, changed.length - 4)), 'latin1');
    return changed;
  },
  function writeZeros(bytes, random) {
    const changed = Buffer.from(bytes);
    const [from, to] = range(changed, random);
    return changed.fill(random.pick([0, 0xff, 0x20, 0x0a]), from, to);
  },
];

function range(bytes: Buffer, random: Random): readonly [number, number] {
  const from = random.int(0, bytes.length);
  return [from, Math.min(bytes.length, from + random.int(1, 64))];
}

/** One to three kinds of damage, one upon the other. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let changed = Buffer.from(bytes);
  for (let left = random.int(1, 3); left > 0; left -= 1) {
    changed = Buffer.from(random.pick(mutators)(changed, random));
  }
  return changed;
}

/** A pack that is damaged within and whose checksum is right all the same, so that it is read further. */
export function mutatedPack(pack: Uint8Array, random: Random): Uint8Array {
  const body = mutated(pack.subarray(0, pack.length - 20), random);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}
