// Looks for a patient's values again in free text of the same document or message: a name that stands in a header is
// a name in the narrative too. Values and text are untrusted; both are capped.
import type { RuleId } from '../catalog.ts';
import type { Hit } from '../rule.ts';
import { dateSpellings } from './date-spelling.ts';

interface Known {
  readonly rule: RuleId;
  readonly synthetic: string | undefined;
}

const MAX_VALUES = 200;
/** Shorter values would be found in every other word. */
const MIN_LENGTH = 4;
const CONFIDENCE = 0.9;
const repeatable: ReadonlySet<RuleId> = new Set([
  'phi/name',
  'phi/address',
  'phi/birth-date',
  'phi/phone',
  'phi/fax',
  'phi/email',
  'phi/ssn',
  'phi/mrn',
  'phi/mbi',
  'phi/health-plan',
  'phi/account',
  'phi/license',
]);

/** The values of one document or message. */
export class Echo {
  /** Keys are folded to lower case. */
  readonly #values = new Map<string, Known>();
  #pattern: RegExp | undefined;

  /** Keeps a hit's value for later; a birth date in all its usual spellings. */
  remember(view: string, hit: Hit): void {
    if (!repeatable.has(hit.rule)) return;
    for (const text of spell(hit.rule, view.slice(hit.start, hit.end).trim().toLowerCase())) {
      if (text.length < MIN_LENGTH || text.length > 80 || this.#values.size >= MAX_VALUES) continue;
      if (this.#values.has(text)) continue;
      this.#values.set(text, { rule: hit.rule, synthetic: hit.synthetic });
      this.#pattern = undefined;
    }
  }

  clear(): void {
    this.#values.clear();
    this.#pattern = undefined;
  }

  /** Reports every remembered value that stands in the view between two offsets. */
  find(view: string, from: number, to: number, place: string, emit: (hit: Hit) => void): void {
    if (to <= from || this.#values.size === 0) return;
    this.#pattern ??= alternatives([...this.#values.keys()]);
    for (const match of view.slice(from, to).matchAll(this.#pattern)) {
      const known = this.#values.get(match[0].toLowerCase());
      // A city or family name in lower case is more often a word.
      if (known === undefined || (/^[a-z]+$/.test(match[0]) && known.rule !== 'phi/email')) continue;
      const start = from + match.index;
      const hit = { rule: known.rule, start, end: start + match[0].length, confidence: CONFIDENCE, place };
      emit(known.synthetic === undefined ? hit : { ...hit, synthetic: known.synthetic });
    }
  }
}

function spell(rule: RuleId, text: string): readonly string[] {
  if (rule === 'phi/birth-date') return dateSpellings(text);
  return rule === 'phi/name' ? [text, ...text.split(/[^a-z'\x80-\xff-]+/)] : [text];
}

function alternatives(values: readonly string[]): RegExp {
  const escaped = [...values]
    .sort((a, b) => b.length - a.length)
    .map((value) => value.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?<![\\w\\x80-\\xff])(?:${escaped.join('|')})(?![\\w\\x80-\\xff])`, 'gi');
}
