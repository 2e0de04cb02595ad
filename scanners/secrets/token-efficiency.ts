// How well a string compresses into the tokens of a language model's vocabulary: text and names take few tokens for
// their length, random strings take many. The vocabulary (1 MB) is loaded when it is first needed.
import type { Tiktoken } from 'js-tiktoken/lite';

let encoder: Promise<Tiktoken> | undefined;

async function load(): Promise<Tiktoken> {
  const [{ Tiktoken: Encoder }, { default: ranks }] = await Promise.all([
    import('js-tiktoken/lite'),
    import('js-tiktoken/ranks/cl100k_base'),
  ]);
  return new Encoder(ranks);
}

/** Characters that are looked at; longer values are judged by their beginning. */
const MAX_CHARACTERS = 256;

/** Loads the vocabulary, once. */
export async function warmTokenEfficiency(): Promise<void> {
  await (encoder ??= load());
}

/** Characters per token of each value: about 1.2 to 1.9 for random text, above 2.5 for words. */
export async function tokenEfficiency(values: readonly string[]): Promise<readonly number[]> {
  const tiktoken = await (encoder ??= load());
  return values.map((value) => {
    const text = value.slice(0, MAX_CHARACTERS);
    return text.length / Math.max(1, tiktoken.encode(text, [], []).length);
  });
}
