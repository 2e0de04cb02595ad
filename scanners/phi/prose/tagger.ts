// An averaged perceptron that tags the words of prose from left to right. Trained by bench/prose-model on sentences of
// our own; its weights hold no text.
import { brotliDecompressSync } from 'node:zlib';
import { type Seen, featureSlots, see, SLOTS, type Tag, tags } from './features.ts';
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
  const slots: number[] = [];
  const result: Tagged[] = [];
  let before = '';
  let before2 = '';
  for (let at = 0; at < seen.length; at++) {
    featureSlots(seen, at, before, before2, plain, slots);
    const scores = scoreTags(model, slots);
    let best = 0;
    for (let tag = 1; tag < scores.length; tag++) if ((scores[tag] ?? 0) > (scores[best] ?? 0)) best = tag;
    const tag = tags[best] ?? 'O';
    result.push({ tag, margin: (scores[best] ?? 0) - (scores[0] ?? 0) });
    before2 = before;
    before = tag;
  }
  return result;
}

/** What is known of a word; of an unknown one with a hyphen, what is known of all its parts. */
export function knownOf(word: string, known: Gazetteer): number {
  const whole = known(word);
  if (whole !== 0 || !/['-]/.test(word)) return whole;
  return word.split(/['-]/).reduce((mask, part) => (part.length < 2 ? mask : mask & known(part)), -1);
}

/** Sum of the weights of the slots, for each tag. */
export function scoreTags(model: Weights, slots: readonly number[]): readonly number[] {
  return tags.map((_, tag) => {
    let sum = 0;
    for (const slot of slots) sum += model[slot * tags.length + tag] ?? 0;
    return sum;
  });
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
