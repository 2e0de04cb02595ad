// Names and places in German, French, Spanish and Portuguese prose. The tagger knows English; here the words around a
// name tell: titles, relatives, salutations, closings, labels, and what a name that was found once says again.
import { gazetteer } from './gazetteer.ts';
import { fold } from './tokens.ts';
import * as words from './other-words.ts';

/** A name or place, offsets into the text, half open. */
export interface Found {
  readonly rule: 'phi/name' | 'phi/address';
  readonly start: number;
  readonly end: number;
}

/** A pattern over the bytes of UTF-8; letters beyond ASCII stand in it as they are, but not in classes. */
function latin(pattern: string, flags: string): RegExp {
  return new RegExp(Buffer.from(pattern, 'utf8').toString('latin1'), flags);
}

const capital = '(?:[A-Z]|\\xc3[\\x80-\\x9e])';
const word = `${capital}[a-z\\x80-\\xff'’]{1,24}(?:-${capital}[a-z\\x80-\\xff']{1,24})?`;
const raised = `${capital}(?:[A-Z'-]|\\xc3[\\x80-\\x9e]){2,24}`;
const particle = `(?:(?:von|van|de|del|de la|de los|da|do|dos|das|du|le|la|zu|y|e|der|den|zur) )`;
const name = `(?:${capital}\\.[ -]?){0,2}${word}(?: ${particle}{0,2}(?:${word}|${raised}|${capital}\\.)){0,3}`;
const title = `(?:(?:${words.titles}) )`;
const place = `${word}(?:[ -](?:(?:am|an der|im|ob der|de|de la|la|les|sur|del|do|da|di|bei|en) )?${word}){0,2}`;

/** Each pattern's first group is the value. */
const namePatterns: readonly RegExp[] = [
  // A title counts as part of the name where it is one of learning.
  latin(`(?<![\\w-])${title}{1,4}(${name})`, 'g'),
  latin(`(?<![\\w-])(?:${words.relatives}),?:? ${title}{0,2}(${name})`, 'g'),
  latin(`(?:^|\\n)[ \\t]*(?:${words.salutations}) ${title}{0,3}(${name})(?=[ \\t]*(?:[,:!;.]|\\n|$))`, 'g'),
  latin(`(?<![\\w-])(?:${words.introductions}) ${title}{0,2}(${name})`, 'gi'),
  latin(
    `(?:${words.closings})[^\\n]{0,40}\\n(?:[ \\t]*\\n){0,2}[ \\t]*(?:(?:deine?|eure?|ihre?|votre|ton|ta|tu|su) )?${title}{0,3}(${name})[ \\t]*(?=\\n|$|,)`,
    'gi',
  ),
  latin(`(?:^|\\n|, |\\. )[ \\t]*(?:${words.nameLabels})[ \\t]*:[ \\t]*${title}{0,3}(${name})`, 'gi'),
  latin(`(?<![\\w.-])(${capital}\\. ?${word})(?=,|\\n|$)`, 'g'),
];

const placePatterns: readonly RegExp[] = [
  // Straßen: the word ends in what it is.
  latin(
    `(?<![\\w-])((?:(?:${capital}[\\w\\x80-\\xff.-]{1,24}|Am|An der|Auf dem|Zum|Zur|Im|In der) ){0,2}(?:[A-Za-z\\x80-\\xff-]{2,24}(?:${words.streetEndings})|(?:${words.streetNouns})) \\d{1,4} ?[a-z]?(?![\\w,]\\d))`,
    'g',
  ),
  latin(
    `(?<![\\w-])(\\d{1,4}(?: ?(?:bis|ter|quater))?,? (?:${words.frenchStreets}) [^\\n,;.()]{2,40})`,
    'gi',
  ),
  latin(
    `(?<![\\w-])((?:${words.iberianStreets})(?: (?:de|del|de la|de los|de las|do|da|dos|das))? [^\\n,;.()\\d]{2,40}(?:,? (?:n[.º°]{0,3} ?)?\\d{1,4}(?:[-/]\\d{1,3})?(?:,? \\d{1,2}(?:[.]?[º°ªo])(?: ?[A-Z]\\b| ?(?:Dto|Esq|Izq|Dcha)\\b\\.?)?)?)?)`,
    'g',
  ),
  latin(`(?<![\\w-])((?:(?:D|A|CH|F|E|P)-)?\\d{5} ${place})`, 'g'),
  latin(`(?<![\\w-])(\\d{4}-\\d{3} ${place})`, 'g'),
  latin(`(?:^|\\n)[ \\t]*(${place}),? (?:den|le|a|em|,)? ?(?=\\d{1,2}[. /])`, 'g'),
];

/** Behind these words stands a place, if it is listed as one. */
const towards = latin(
  `(?<![\\w-])(?:in|nach|aus|bei|à|de|en|em|desde|hasta|para|vers) ((?:Bad|Sankt|St\\.|San|Santa|São|Saint|Sainte|Los|Las|La|Le|El) ${word}|${word}(?:-${word})?(?: ${word})?)`,
  'g',
);
/** Two words of a name, the first of which is listed. */
const pair = latin(`(?<![\\w.-])(${word}(?: ${particle}{0,2}${word}){1,3})`, 'g');

const [GIVEN, PLACE] = [1, 4] as const;

/** Finds names and places in `text`, a piece of a view. */
export function findOtherLanguage(text: string): readonly Found[] {
  const found: Found[] = [];
  const add = (rule: Found['rule'], start: number, value: string): void => {
    const end = start + value.length;
    if (value.length < 2 || found.some((each) => start < each.end && end > each.start)) return;
    found.push({ rule, start, end });
  };
  for (const pattern of placePatterns)
    for (const match of text.matchAll(pattern)) {
      const value = trimPlace(match[1] ?? '');
      add('phi/address', match.index + match[0].indexOf(match[1] ?? ''), value);
    }
  for (const pattern of namePatterns)
    for (const match of text.matchAll(pattern)) {
      const value = trimName(match[1] ?? '');
      add('phi/name', match.index + match[0].lastIndexOf(match[1] ?? ''), value);
    }
  for (const { index, 0: whole, 1: value = '' } of text.matchAll(towards)) {
    const told = listedPlace(value);
    if (told !== undefined) add('phi/address', index + whole.length - value.length, told);
  }
  for (const { index, 1: value = '' } of text.matchAll(pair)) {
    const first = value.split(' ')[0] ?? '';
    const known = knownOf(first);
    const trimmed = trimName(value);
    if ((known & GIVEN) !== 0 && !isNoun(first) && trimmed.includes(' ')) add('phi/name', index, trimmed);
  }
  echo(text, found, add);
  return found;
}

function knownOf(text: string): number {
  return gazetteer()(fold(text));
}

function isNoun(text: string): boolean {
  return /^[^a-z]/.test(text) && words.nouns.has(Buffer.from(fold(text), 'latin1').toString('utf8'));
}

/** A name ends in front of a noun. */
function trimName(value: string): string {
  const parts = value.split(' ');
  const end = parts.findIndex((part) => isNoun(part));
  const kept = end < 0 ? parts : parts.slice(0, end);
  while (kept.length > 0 && /^[a-z]/.test(kept.at(-1) ?? '')) kept.pop();
  return kept.join(' ').replace(/'$/, '');
}

function trimPlace(value: string): string {
  return value.replace(/[\s,-]+$/, '').replace(/ (?:y|et|und|e|où|donde|wo) .*$/, '');
}

/** The part of a value that is listed as a place and not also as a given name. */
function listedPlace(value: string): string | undefined {
  if (/^(?:Bad|Sankt|St\.|San|Santa|S\xc3\xa3o|Saint|Sainte|Los|Las) /.test(value)) return value;
  for (const told of [value, value.split(' ')[0] ?? '']) {
    const known = knownOf(told.toLowerCase());
    if ((known & PLACE) !== 0 && (known & GIVEN) === 0 && !isNoun(told)) return told;
  }
  return undefined;
}

const MAX_ECHOES = 64;

/** Parts of names stand alone later on, with nothing around them that tells. */
function echo(
  text: string,
  found: readonly Found[],
  add: (rule: Found['rule'], start: number, value: string) => void,
): void {
  const parts = new Set<string>();
  for (const { rule, start, end } of found)
    if (rule === 'phi/name')
      for (const part of text.slice(start, end).split(/[ .]+/))
        if (part.length >= 4 && /^[A-Z\xc3]/.test(part) && parts.size < MAX_ECHOES && !isNoun(part))
          parts.add(part);
  if (parts.size === 0) return;
  const again = new RegExp(
    `(?<![\\w\\x80-\\xff-])(?:${[...parts].map((part) => part.replaceAll(/[^\w\x80-\xff]/g, '.')).join('|')})(?![\\w\\x80-\\xff-])`,
    'g',
  );
  for (const { index, 0: value } of text.matchAll(again)) add('phi/name', index, value);
}

/** How many words of a text only these languages have, and how many only English has. */
function countWords(text: string): { readonly other: number; readonly english: number } {
  let other = 0;
  let english = 0;
  for (const [each] of text.matchAll(/[a-z\x80-\xff]{2,}/gi)) {
    const folded = Buffer.from(fold(each), 'latin1').toString('utf8');
    if (words.functionWords.has(folded)) other++;
    else if (words.englishWords.has(folded)) english++;
  }
  return { other, english };
}

/** True for a text in one of these languages. `likely` is true where the document around it is. */
export function isOtherLanguage(text: string, likely: boolean): boolean {
  const { other, english } = countWords(text.slice(0, 8_000));
  return likely ? english <= other + 1 : other >= 3 && other > english * 1.5;
}
