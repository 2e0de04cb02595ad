// What the name of a column, key or label says about its value, in English, Spanish, German, French and Portuguese.
// Names are compared without case, accents and separators: `Pat_First-Name` is `patfirstname`.
import type { RuleId } from '../catalog.ts';
import { composedKind } from './field-concepts.ts';
import { abbreviations, endings, fillers, lexicon } from './field-names.ts';
import { plainWords } from './plain-words.ts';

/** How much a field tells about the record it stands in. */
type Role = 'name' | 'anchor' | 'contact' | 'place' | 'account' | 'evidence' | 'weak';

export const fieldKinds = {
  'full-name': { rule: 'phi/name', role: 'name' },
  'given-name': { rule: 'phi/name', role: 'name' },
  'family-name': { rule: 'phi/name', role: 'name' },
  'bare-name': { rule: 'phi/name', role: 'weak' },
  'birth-date': { rule: 'phi/birth-date', role: 'anchor' },
  'care-date': { rule: 'phi/date', role: 'evidence' },
  ssn: { rule: 'phi/ssn', role: 'anchor' },
  'national-id': { rule: 'phi/national-id', role: 'anchor' },
  mrn: { rule: 'phi/mrn', role: 'anchor' },
  'health-plan': { rule: 'phi/health-plan', role: 'anchor' },
  account: { rule: 'phi/account', role: 'account' },
  license: { rule: 'phi/license', role: 'account' },
  phone: { rule: 'phi/phone', role: 'contact' },
  fax: { rule: 'phi/fax', role: 'contact' },
  email: { rule: 'phi/email', role: 'contact' },
  street: { rule: 'phi/address', role: 'place' },
  city: { rule: 'phi/address', role: 'weak' },
  zip: { rule: 'phi/address', role: 'place' },
  ip: { rule: 'phi/ip', role: 'weak' },
  vehicle: { rule: 'phi/vehicle', role: 'account' },
  device: { rule: 'phi/device', role: 'weak' },
  passport: { rule: 'phi/other', role: 'anchor' },
  photo: { rule: 'phi/photo', role: 'weak' },
  biometric: { rule: 'phi/biometric', role: 'account' },
  url: { rule: 'phi/url', role: 'weak' },
  age: { rule: 'phi/date', role: 'weak' },
  clinical: { rule: undefined, role: 'evidence' },
} as const satisfies Record<string, { readonly rule: RuleId | undefined; readonly role: Role }>;

export type FieldKind = keyof typeof fieldKinds;

const byName: ReadonlyMap<string, FieldKind> = new Map(
  // Object.entries widens keys to string; the record's own type gives them back.
  Object.entries(lexicon satisfies Readonly<Record<FieldKind, string>>).flatMap(([kind, names]) =>
    names
      .split(/ +/)
      .filter((name) => name !== '')
      .map((name): [string, FieldKind] => [name.replaceAll('-', ''), isFieldKind(kind) ? kind : 'clinical']),
  ),
);

function isFieldKind(text: string): text is FieldKind {
  return Object.hasOwn(fieldKinds, text);
}

/** Words in front of a field that say whose it is. */
const owners =
  /^(?:patients?|pt|pat|member|subscriber|insured|guarantor|beneficiary|person|persons|client|customer|employee|contact|emergencycontact|emergency|nextofkin|nok|spouse|mother|father|parent|guardian|policyholder|primary|secondary|home|personal|current|legal|user|applicant|resident|participant|subject|child|dependent|demographics?|num|numero)(?=.)/;
const ending = new RegExp(`(?:${endings.join('|')})$`);

/** Lower case, without accents, separators and everything else that is not a letter or digit. */
function normaliseFieldName(name: string): string {
  return name
    .normalize('NFD')
    .replaceAll('ß', 'ss')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
}

const cache = new Map<string, FieldKind | undefined>();
const CACHE_NAMES = 32_768;
/** V8 makes longer slices point into the text that they come from: kept, they would keep that alive. */
const CACHED_LENGTH = 12;

/** What a field of this name holds, or undefined. `name` is decoded text. */
export function fieldKind(name: string): FieldKind | undefined {
  if (name.length > CACHED_LENGTH) return name.length > 48 ? undefined : findKind(name);
  const known = cache.get(name);
  if (known !== undefined || cache.has(name)) return known;
  if (cache.size >= CACHE_NAMES) cache.clear();
  const kind = findKind(name);
  cache.set(name, kind);
  return kind;
}

function findKind(name: string): FieldKind | undefined {
  const words = plainWords(name);
  if (words === undefined) {
    // `Insurance #` is no name of an insurance.
    const direct = lookUp(normaliseFieldName(name));
    const open = direct === undefined || (direct === 'clinical' && name.includes('#'));
    if (!open) return direct;
    const spelled = wordsOf(name);
    return lookUpWords(name, spelled) ?? direct ?? composedKind(spelled);
  }
  const whole = lookUp(words.join(''));
  if (whole !== undefined) return whole;
  // Words that all stand for themselves say together what the whole name says.
  return (
    (words.some((word) => vague.has(word)) ? lookUpWords(name, words) : undefined) ?? composedKind(words)
  );
}

/** Words that are written out or left out. */
const vague: ReadonlySet<string> = new Set([...Object.keys(abbreviations), ...fillers, 'number']);

function lookUp(key: string): FieldKind | undefined {
  const direct = byName.get(key);
  if (direct !== undefined) return direct;
  const rest = isEnd(key) ? key.replace(owners, '') : key;
  if (rest !== key) {
    const owned = rest === 'name' ? 'full-name' : (byName.get(rest) ?? byName.get(rest.replace(owners, '')));
    if (owned !== undefined) return owned;
    if (rest === 'id' && /^(?:patient|pt|pat)/.test(key)) return 'mrn';
  }
  return key.length > 6 && isStart(key) ? byName.get(key.replace(ending, '')) : undefined;
}

// Most names are no person's field and neither begin nor end as one: two looks at three characters spare the rest.
const PAIRS = 4_096;
const starts = new Uint8Array(PAIRS);
const ends = new Uint8Array(PAIRS);
for (const name of [...byName.keys(), 'id']) {
  starts[slotOf(name, 0)] = 1;
  ends[slotOf(name, name.length - 2)] = 1;
}

function slotOf(text: string, at: number): number {
  return ((text.charCodeAt(at) & 63) << 6) | (text.charCodeAt(at + 1) & 63);
}

/** False where no known name begins as `key` does. */
function isStart(key: string): boolean {
  return starts[slotOf(key, 0)] === 1;
}

/** False where no known name ends as `key` does. */
function isEnd(key: string): boolean {
  return ends[slotOf(key, key.length - 2)] === 1;
}

/** The words of a name, split at signs and humps, without accents and case. */
function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/\(.{0,24}?\)/g, ' ')
    .replaceAll('#', ' number ')
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .split(/[^\p{L}\d]+/u)
    .map(normaliseFieldName)
    .filter((word) => word !== '');
}

/**
 * The kind of a name by its words: `Pt_Last_Nm (legal)` is `lastname`. Abbreviations are written out, and words that say
 * nothing are left out, first those that are no nouns of the field.
 */
function lookUpWords(name: string, given: readonly string[]): FieldKind | undefined {
  if (given.length === 0 || given.length > 6) return undefined;
  const words = given.map((word) =>
    Object.hasOwn(abbreviations, word) ? (abbreviations[word] ?? word) : word,
  );
  const whole = lookUp(words.join(''));
  if (whole !== undefined) return whole;
  const nouns = words.filter((word) => !fillers.has(word));
  const telling = nouns.filter((word) => word !== 'number');
  if (telling.length === 0 || telling.length === words.length) return undefined;
  if (telling.length === 1 && byName.get(telling[0] ?? '') === 'bare-name')
    return namesPatients(name) ? 'full-name' : undefined;
  return (
    (nouns.length > telling.length ? byName.get(`${telling.join('')}number`) : undefined) ??
    kindOfWords(telling)
  );
}

/** A kind whose name is long enough to mean one thing. */
function kindOfWords(words: readonly string[]): FieldKind | undefined {
  const key = words.join('');
  const kind = key.length < 3 ? undefined : byName.get(key);
  return kind === 'bare-name' || kind === 'full-name' ? undefined : kind;
}

/** True where a table, object or key is named after patients. */
export function namesPatients(name: string): boolean {
  return /patient|pacient|member|subscriber|beneficiar|enrollee|insured|guarantor|versichert/i.test(name);
}

/** Field names that are seldom used for anything but a person; a document with one of them is read for records. */
export const personLiterals: readonly string[] = [
  ...[
    'birth',
    'dob',
    'born',
    'ssn',
    'soc_sec',
    'socsec',
    'social_sec',
    'socialsec',
    'mrn',
    'patient',
    'pt_name',
  ],
  ...[
    'medical_rec',
    'medicalrec',
    'medical rec',
    'chart_no',
    'hospital_no',
    'pat_id',
    'member_',
    'memberid',
    'member id',
  ],
  ...[
    'subscriber',
    'insurance_',
    'insuranceid',
    'policy_no',
    'policyno',
    'medicare',
    'medicaid',
    'firstname',
    'fname',
  ],
  ...[
    'first_name',
    'first-name',
    'first name',
    'given_name',
    'givenname',
    'family_name',
    'familyname',
    'lastname',
  ],
  ...[
    'last_name',
    'last-name',
    'last name',
    'lname',
    'surname',
    'name_first',
    'name_last',
    'full_name',
    'fullname',
  ],
  ...[
    'vorname',
    'nachname',
    'familienname',
    'geb_dat',
    'geburts',
    'paciente',
    'nombre_',
    'nombrec',
    'apellido',
  ],
  ...[
    'nacimiento',
    'f_nac',
    'prenom',
    'naissance',
    'nascimento',
    'sobrenome',
    'guarantor',
    'historia_clinica',
    'namefirst',
  ],
  ...[
    'naiss',
    'pr\xc3\xa9nom',
    'geb.',
    'geb_',
    'geboren',
    'versichert',
    'utente',
    'prontu',
    'apelido',
    'nome do',
    'last_n',
    'lst_n',
  ],
  ...['data_nasc', 'fechanac', 'fec_nac', 'pat_', 'subject_id', 'passport'],
];
