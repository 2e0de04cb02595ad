// Paragraphs whose language neither the model nor the tables know: there only a listed name is believed, and a place
// with a number.
import { gazetteer } from './gazetteer.ts';
import type { Token } from './tokens.ts';

const GIVEN_OR_FAMILY = 0b11;
const ENGLISH = 0b1_1110_0000;

/** True for a paragraph of another language than English, whose words the model does not know. */
export function isUnknownLanguage(tokens: readonly Token[]): boolean {
  if (!tokens.some(({ shape }) => shape === 'capital')) return false;
  const words = tokens.filter(({ shape, word }) => shape === 'lower' && word.length > 1);
  const english = words.filter(({ word }) => (gazetteer()(word) & ENGLISH) !== 0);
  return words.length >= 4 && english.length < words.length * 0.5;
}

/** True for a run of tokens that is a name or place in any language. */
export function isSure(span: readonly Token[], place: boolean): boolean {
  if (place) return span.some(({ shape }) => shape === 'number');
  return (
    span.length <= 5 &&
    span.some(({ shape, word }) => shape === 'capital' && (gazetteer()(word) & GIVEN_OR_FAMILY) !== 0)
  );
}
