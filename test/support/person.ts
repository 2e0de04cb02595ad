// Invented patients, put together when a test runs: valid by every published rule and on no list of known samples.
import type { Identifier } from '../../scanners/finding.ts';
import { createRandom, type Random } from './random.ts';

export interface Person {
  readonly given: string;
  readonly family: string;
  readonly sex: 'F' | 'M';
  /** ISO date. */
  readonly born: string;
  readonly ssn: string;
  readonly mrn: string;
  readonly phone: string;
  readonly email: string;
  readonly street: string;
  readonly city: string;
  readonly state: string;
  readonly zip: string;
  /** Medicare Beneficiary Identifier. */
  readonly mbi: string;
  readonly memberId: string;
  readonly account: string;
  /** National Provider Identifier of the clinician, with its check digit. */
  readonly npi: string;
}

/** A value that must be found, and that must then stand in no log, message, answer or database. */
export interface PlantedValue {
  readonly identifier: Identifier;
  readonly text: string;
}

// Halves of names, so that no whole name stands in a file.
const givenStarts = ['Mar', 'Del', 'Jos', 'Ther', 'Al', 'Ros', 'Kat', 'Ben'];
const givenEnds = { F: ['ita', 'ina', 'elle', 'anne'], M: ['ton', 'vin', 'eph', 'rick'] } as const;
const familyStarts = ['Oye', 'Lind', 'Castel', 'Brav', 'Whit', 'Nakam', 'Fer', 'Harg'];
const familyEnds = ['laran', 'qvist', 'lano', 'erman', 'combe', 'oto', 'raro', 'rove'];
const streets = ['Willow', 'Juniper', 'Prospect', 'Harbor', 'Chestnut', 'Meridian'];
const streetKinds = ['Street', 'Avenue', 'Road', 'Lane'];
const places = [
  { city: 'Springfield', state: 'IL', zip: '627' },
  { city: 'Dayton', state: 'OH', zip: '454' },
  { city: 'Spokane', state: 'WA', zip: '992' },
  { city: 'Macon', state: 'GA', zip: '312' },
] as const;
const areaCodes = ['217', '937', '509', '478'] as const;
const mailHosts = ['fastmail', 'outlook', 'comcast'] as const;

/** The patient of a seed. */
export function makePerson(seed: number): Person {
  const random = createRandom(seed);
  const sex = random.pick(['F', 'M'] as const);
  const given = random.pick(givenStarts) + random.pick(givenEnds[sex]);
  const family = random.pick(familyStarts) + random.pick(familyEnds);
  const place = random.pick(places);
  const year = random.int(1936, 2004);
  return {
    given,
    family,
    sex,
    born: `${year}-${pad(random.int(1, 12))}-${pad(random.int(1, 28))}`,
    ssn: `${random.int(217, 665)}-${pad(random.int(11, 77))}-${random.int(2001, 8998)}`,
    mrn: `${random.int(3, 8)}${random.digits(7)}`,
    phone: `(${random.pick(areaCodes)}) ${random.int(2, 4)}${random.int(2, 8)}${random.int(2, 8)}-${random.int(2000, 9899)}`,
    email: `${given}.${family}${random.int(10, 99)}@${random.pick(mailHosts)}.com`.toLowerCase(),
    street: `${random.int(102, 9870)} ${random.pick(streets)} ${random.pick(streetKinds)}`,
    city: place.city,
    state: place.state,
    zip: place.zip + random.digits(2),
    mbi: makeMbi(random),
    memberId: `W${random.int(2, 8)}${random.digits(8)}`,
    account: `${random.int(4, 9)}${random.digits(9)}`,
    npi: makeNpi(random),
  };
}

/** The values of a person that every format below carries. */
export function coreValues(person: Person): readonly PlantedValue[] {
  return [
    { identifier: 'name', text: person.family },
    { identifier: 'ssn', text: person.ssn },
    { identifier: 'mrn', text: person.mrn },
  ];
}

const pad = (value: number): string => String(value).padStart(2, '0');

// CMS: C A AN N A AN N A A N N, without the letters S L O I B Z.
function makeMbi(random: Random): string {
  const letters = 'ACDEFGHJKMNPQRTUVWXY';
  const either = `${letters}0123456789`;
  const letter = (): string => random.text(1, letters);
  return (
    String(random.int(2, 9)) +
    letter() +
    random.text(1, either) +
    random.digits(1) +
    letter() +
    random.text(1, either) +
    random.digits(1) +
    letter() +
    letter() +
    random.digits(2)
  );
}

function makeNpi(random: Random): string {
  const body = `1${random.digits(8)}`;
  return body + luhnDigit(`80840${body}`);
}

/** The digit that makes `body` followed by it pass the Luhn check (ISO/IEC 7812-1). */
export function luhnDigit(body: string): string {
  const sum = Array.from(body)
    .toReversed()
    .reduce((total, digit, at) => {
      const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return String((10 - (sum % 10)) % 10);
}
