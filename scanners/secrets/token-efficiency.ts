// How well a string compresses into the tokens of a language model's vocabulary: text and names take few tokens for
// their length, random strings take many. The vocabulary (1 MB) is loaded when it is first needed.
import { BytePairs } from './byte-pairs.ts';

let vocabulary: Promise<BytePairs> | undefined;

/** Characters that are looked at; longer values are judged by their beginning. */
const MAX_CHARACTERS = 128;

/** Loads the vocabulary, once. */
export function loadVocabulary(): Promise<BytePairs> {
  return (vocabulary ??= import('js-tiktoken/ranks/cl100k_base').then(
    ({ default: ranks }) => new BytePairs(ranks.bpe_ranks),
  ));
}

/** Characters per token: about 1.2 to 1.9 for random text, above 2.5 for words. */
export function tokenEfficiency(pairs: BytePairs, value: string): number {
  const text = value.slice(0, MAX_CHARACTERS);
  return text.length / Math.max(1, pairs.count(text));
}
