// Looks for a patient's values again in free text of the same document or message: a name that stands in a header is
// a name in the narrative too. Values and text are untrusted; both are capped.
import type { RuleId } from '../catalog.ts';
import type { Hit } from '../rule.ts';
import { dateSpellings } from './date-spelling.ts';

/** Values to look for, with what they are. Keys are folded to lower case. */
export type Echo = Map<string, { readonly rule: RuleId; readonly synthetic: string | undefined }>;

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

/** Keeps a hit's value for later; a birth date in all its usual spellings. */
export function rememberEcho(echo: Echo, view: string, hit: Hit): void {
  if (!repeatable.has(hit.rule)) return;
  const text = view.slice(hit.start, hit.end).trim().toLowerCase();
  const spellings = spell(hit.rule, text);
  for (const spelling of spellings)
    if (spelling.length >= MIN_LENGTH && spelling.length <= 80 && echo.size < MAX_VALUES)
      echo.set(spelling, { rule: hit.rule, synthetic: hit.synthetic });
}

function spell(rule: RuleId, text: string): readonly string[] {
  if (rule === 'phi/birth-date') return dateSpellings(text);
  return rule === 'phi/name' ? [text, ...text.split(/[^a-z'\x80-\xff-]+/)] : [text];
}

/** One expression for all remembered values, undefined where there are none. Reusable while the map is unchanged. */
function echoPattern(echo: Echo): RegExp | undefined {
  if (echo.size === 0) return undefined;
  const alternatives = [...echo.keys()]
    .sort((a, b) => b.length - a.length)
    .map((value) => value.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?<![\\w\\x80-\\xff])(?:${alternatives.join('|')})(?![\\w\\x80-\\xff])`, 'gi');
}

/** Reports every remembered value that stands in the view between two offsets. */
export function findEchoes(
  view: string,
  from: number,
  to: number,
  echo: Echo,
  place: string,
  emit: (hit: Hit) => void,
): void {
  const pattern = to > from ? echoPattern(echo) : undefined;
  if (pattern === undefined) return;
  for (const match of view.slice(from, to).matchAll(pattern)) {
    const known = echo.get(match[0].toLowerCase());
    // A city or family name in lower case is more often a word.
    if (known === undefined || (/^[a-z]+$/.test(match[0]) && known.rule !== 'phi/email')) continue;
    const start = from + match.index;
    const hit = { rule: known.rule, start, end: start + match[0].length, confidence: CONFIDENCE, place };
    emit(known.synthetic === undefined ? hit : { ...hit, synthetic: known.synthetic });
  }
}
