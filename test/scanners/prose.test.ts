// Running text: what a person's sentence gives away is found, what software's documents say about authors refuses
// nothing.
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../scanners/scan.ts';
import { makePerson, type Person } from '../support/person.ts';
import { alphanumeric, glue, scrambled, withLuhn } from './values.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });

async function scan(path: string, text: string) {
  const bytes = Buffer.from(text);
  const { findings } = await scanner.scan({ kind: 'file', path }, bytes);
  return findings.map((finding) => ({
    ...finding,
    text: bytes.toString('utf8', finding.byteStart, finding.byteEnd),
  }));
}

const persons = Array.from({ length: 12 }, (_, seed) => makePerson(seed + 40));

const sentences: readonly (readonly [string, (person: Person) => string, (person: Person) => string])[] = [
  [
    'an introduction',
    (p) => `Hello, my name is ${p.given} ${p.family} and I have a question.`,
    (p) => `${p.given} ${p.family}`,
  ],
  [
    'lower case',
    (p) => `hello, my name is ${p.given} ${p.family} and i have a question.`.toLowerCase(),
    (p) => `${p.given} ${p.family}`.toLowerCase(),
  ],
  ['a title', (p) => `Please tell Dr. ${p.family} that I will be late.`, (p) => p.family],
  [
    'a relative',
    (p) => `I am calling for my daughter ${p.given} ${p.family}, who is ill.`,
    (p) => `${p.given} ${p.family}`,
  ],
  ['a street', (p) => `She lives at ${p.street}, with her two sons.`, (p) => p.street],
];

describe('names and places in sentences', () => {
  test.each(sentences)('%s', async (_name, sentence, value) => {
    let seen = 0;
    for (const person of persons) {
      const found = await scan('message.txt', sentence(person));
      if (found.some(({ text }) => text === value(person))) seen++;
      for (const { confidence } of found) expect(confidence).toBeLessThan(0.85);
    }
    expect(seen).toBeGreaterThanOrEqual(persons.length - 2);
  });
});

describe('numbers in sentences', () => {
  test.each([
    ['phi/phone', 'You can call me at ', glue('0477 11 ', '28 98')],
    ['phi/phone', 'They are not answering at ', glue('(88) 684', '-334')],
    ['phi/phone', 'My friend has a new phone: ', glue('+44 20 7946 ', '1958')],
    ['phi/phone', 'Reach my mother under ', glue('(978) 645-97', '40x11144')],
    ['phi/phone', 'Her mobile is ', glue('02.27.96.', '63.08')],
    ['phi/fax', 'Send it to my husband by fax: ', glue('166-684-', '7899')],
    ['phi/birth-date', 'She was born on ', glue('2/7/', '1961')],
    ['phi/birth-date', 'He was born on ', glue('March 3, ', '1971')],
    ['phi/birth-date', 'Mein Sohn Thomas wurde geboren am ', glue('3. M\u00e4rz ', '1961')],
    ['phi/birth-date', 'Mi hijo Javier, nacido el ', glue('12 de mayo ', 'de 2009')],
    ['phi/name', 'Bitte richten Sie das aus an Frau ', glue('Krae', 'mer')],
    ['phi/date', 'I have been ill since ', glue('11 Oct ', '2019')],
    ['phi/ip', 'My friend cannot get in, she is blocked at ', glue('74.34.', '59.240')],
    ['phi/ip', 'My address is blocked: ', glue('4f8a:c99e:dc86:faf9', ':5988:5f63:375e:8a2a')],
    ['phi/license', "My driver's license number is ", glue('A563', '19335')],
    ['phi/card', 'He says I was billed on cc ', withLuhn(glue('453201', '789012345'))],
    ['phi/email', 'Write to my sister: ', glue('eva.novak', '@', 'seznam.cz')],
  ])('%s: %s', async (rule, lead, value) => {
    const found = await scan('message.txt', `${lead}${value}. Thank you!`);
    expect(found.map((finding) => [finding.rule, finding.text])).toContainEqual([rule, value]);
  });

  test('a number that cannot have been issued is told as such', async () => {
    const [found] = await scan('message.txt', glue('My SSN is 9', '31-04-1879, is it wrong?'));
    expect([found?.rule, found?.severity]).toEqual(['phi/ssn', 'low']);
  });
});

const note = (person: Person) =>
  `${person.given} ${person.family} is a 63 year old teacher who presented with chest pain. She was admitted on March 3, 2021, ` +
  'and prescribed metoprolol 25 mg daily. Her symptoms improved after treatment. Past surgery: none. ' +
  `Her daughter can be reached at ${person.phone}.`;

test('a clinical note without a single label is refused', async () => {
  let named = 0;
  let notes = 0;
  for (const person of persons) {
    const refused = (await scan('notes/visit.txt', note(person))).filter(
      ({ confidence }) => confidence >= 0.85,
    );
    if (refused.some(({ rule }) => rule === 'phi/date') && refused.some(({ rule }) => rule === 'phi/phone'))
      notes++;
    named += refused.filter(({ text }) => text === `${person.given} ${person.family}`).length;
  }
  expect(notes).toBeGreaterThanOrEqual(persons.length - 1);
  expect(named).toBeGreaterThanOrEqual(persons.length - 3);
});

test('a commit message tells a patient’s story or nothing', async () => {
  const of = async (text: string) =>
    (await scanner.scan({ kind: 'message', path: 'commit message' }, Buffer.from(text))).findings.length;
  expect(await of(note(persons[0] ?? makePerson(1)))).toBeGreaterThan(2);
  expect(
    await of(`Fix the intake form\n\nThanks to ${persons[1]?.given} ${persons[1]?.family} for the report.`),
  ).toBe(0);
});

describe('documents of software refuse nothing', () => {
  test.each([
    ['AUTHORS', persons.map((p) => `${p.given} ${p.family} <${p.email}>`).join('\n')],
    [
      'LICENSE',
      `Copyright (c) 2019 ${persons[0]?.given} ${persons[0]?.family}\n\nPermission is granted to use this software.`,
    ],
    [
      'README.md',
      `# Tool\n\nInstall it with \`npm i tool\`. Written by ${persons[1]?.given} ${persons[1]?.family}.\n`,
    ],
    ['CHANGELOG.md', `## 1.2.3\n\n- Fix the parser (thanks to ${persons[2]?.given} ${persons[2]?.family})\n`],
    ['MAINTAINERS.txt', persons.map((p) => `${p.given} ${p.family}, ${p.city}, ${p.phone}`).join('\n')],
    [
      'docs/minutes.txt',
      `Present: ${persons.map((p) => `${p.given} ${p.family}`).join(', ')}\nMeeting on 3 March 2021.`,
    ],
  ])('%s', async (path, text) => {
    expect((await scan(path, text)).filter(({ confidence }) => confidence >= 0.85)).toEqual([]);
  });

  test('and readmes are not read for names at all', async () => {
    const text = `# Tool\n\nRun \`npm test\` to build the package; see the documentation of the \`config\` option.\n\nBy ${persons[3]?.given} ${persons[3]?.family}\n`;
    expect(await scan('README.md', text)).toEqual([]);
  });
});

describe('formats with readers of their own are no prose', () => {
  const [p] = persons;
  test.each([
    [
      'claim.txt',
      `${glue('IS', 'A')}*00*          *00*          *ZZ*SENDER~NM1*85*1*${p?.family}*${p?.given}~N3*${p?.street}~`,
    ],
    [
      'message.txt',
      `${glue('MS', 'H')}|^~\\&|A|B|C|D|2024||ORU^R01|1|P|2.5\rOBR|1|||X^GLUCOSE|||||||||||1^${p?.family}^${p?.given}`,
    ],
    ['run.txt', `2024-01-02T03:04:05Z INFO ${p?.given} called ${p?.family}\n`.repeat(5)],
    ['stock.txt', `name\tplace\tprice\n${p?.family} lamp\t${p?.city}\t4\n`.repeat(3)],
  ])('%s', async (path, text) => {
    expect((await scan(path, text)).filter(({ confidence }) => confidence === 0.5)).toEqual([]);
  });
});

describe('what is no sentence', () => {
  const opening = 'My mother lives here, and she has a letter for me.\n\n';
  const text = (length: number, seed: number) => scrambled(length, alphanumeric, seed);

  test.each([
    ['a drawn line', `${'x'.repeat(99)}\n`.repeat(60)],
    ['encoded data', text(6_000, 3)],
    ['encoded data in lines', text(6_000, 5).replaceAll(/(.{76})/g, '$1\n')],
    ['random words', Array.from({ length: 300 }, (_, at) => text(6 + (at % 30), at + 9)).join(' ')],
  ])('names nobody: %s', async (_name, noise) => {
    for (const path of ['a.txt', 'notes'])
      expect(
        (await scan(path, opening + noise)).filter(({ byteStart }) => byteStart > opening.length),
      ).toEqual([]);
  });

  test('files of software that have no extension', async () => {
    const [person] = persons;
    for (const path of ['Makefile', 'src/AUTHORS', 'LICENSE-MIT', 'NOTICE.txt'])
      expect(
        await scan(path, `my name is ${person?.given} ${person?.family} and she is my sister\n`),
      ).toEqual([]);
  });
});
