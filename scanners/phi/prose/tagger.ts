// An averaged perceptron that tags the words of prose from left to right. Trained by bench/prose-model on sentences of
// our own; its weights hold no text.
import { brotliDecompressSync } from 'node:zlib';
import { featureSlots, MAX_FEATURES, see, type Seen, SLOTS, type Tag, tags } from './features.ts';
import { type Gazetteer, gazetteer } from './gazetteer.ts';
import { modelData } from './model-data.ts';
import type { Token } from './tokens.ts';

/** Weights by slot and tag: `weights[slot * tags.length + tag]`. */
export type Weights = Int8Array | Float32Array;

export interface Tagged {
  readonly tag: Tag;
  /** How far the tag's score lies above that of `O`, in units of the weights; 0 for `O` itself. */
  readonly margin: number;
}

let loaded: Int8Array | undefined;

/** The built-in weights, unpacked when they are first needed. */
function weights(): Int8Array {
  if (loaded === undefined) {
    const data = brotliDecompressSync(Buffer.from(modelData, 'base64'));
    loaded = new Int8Array(data.buffer, data.byteOffset, SLOTS * tags.length);
  }
  return loaded;
}

/** Tags the tokens of a paragraph. Linear in their number. */
export function tagTokens(
  tokens: readonly Token[],
  known: Gazetteer = gazetteer(),
  model: Weights = weights(),
): readonly Tagged[] {
  const seen = tokens.map((token) => see(token, knownOf(token.word, known)));
  const plain = isPlain(seen);
  const slots = new Int32Array(MAX_FEATURES);
  const scores = new Float64Array(tags.length);
  const result: Tagged[] = [];
  let before = -1;
  let before2 = -1;
  for (let at = 0; at < seen.length; at++) {
    const count = featureSlots(seen, at, before, before2, plain, slots);
    const best = scoreTags(model, slots, count, scores);
    result.push({ tag: tags[best] ?? 'O', margin: (scores[best] ?? 0) - (scores[0] ?? 0) });
    before2 = before;
    before = best;
  }
  return result;
}

/** What is known of a word; of an unknown one with a hyphen, what is known of all its parts. */
export function knownOf(word: string, known: Gazetteer): number {
  const whole = known(word);
  if (whole !== 0 || !/['-]/.test(word)) return whole;
  return word.split(/['-]/).reduce((mask, part) => (part.length < 2 ? mask : mask & known(part)), -1);
}

/** Sums the weights of the slots for each tag into `scores` and returns the number of the best tag. */
export function scoreTags(model: Weights, slots: Int32Array, count: number, scores: Float64Array): number {
  scores.fill(0);
  for (let at = 0; at < count; at++) {
    const base = (slots[at] ?? 0) * scores.length;
    for (let tag = 0; tag < scores.length; tag++) scores[tag] = (scores[tag] ?? 0) + (model[base + tag] ?? 0);
  }
  let best = 0;
  for (let tag = 1; tag < scores.length; tag++) if ((scores[tag] ?? 0) > (scores[best] ?? 0)) best = tag;
  return best;
}

/** True where capitals say nothing: the text has none, or nothing else. */
export function isPlain(seen: readonly Seen[]): boolean {
  let lower = 0;
  let raised = 0;
  for (const { shape } of seen) {
    if (shape === 'lower') lower++;
    else if (shape === 'capital' || shape === 'upper') raised++;
  }
  return raised === 0 || (lower === 0 && seen.every(({ shape }) => shape !== 'capital'));
}
