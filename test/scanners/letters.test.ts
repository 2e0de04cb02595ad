// Letters, chats and notes as clinics write them, in several languages: what names somebody is found, the words of the
// letter are not. `{…}` marks what must be found.
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../scanners/scan.ts';
import { glue } from './values.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });

const family = glue('Brück', 'mann');
const other = glue('Teix', 'arelo');

const letters: readonly (readonly [path: string, text: string])[] = [
  [
    'brief.txt',
    `Klinikum am See, Abteilung für Innere Medizin

Sehr geehrte Frau Kollegin {${other}},

wir berichten über Ihren Patienten, Herrn {Karl-Heinz ${family}}, geb. am {${glue('02.11.', '1947')}}, wohnhaft {Schillerstraße 8}, {86150 Augsburg}.
Diagnosen: Arterielle Hypertonie, Diabetes mellitus.
Anamnese: Herr {${family}} kam mit Brustschmerzen. Seine Ehefrau {Renate} lebt in {Rosenheim}. Nummer: {${glue('0171 ', '5543982')}}

Mit freundlichen Grüßen
{M. ${other}}
Oberärztin`,
  ],
  [
    'lettre.txt',
    `Cher confrère,

Je vous remercie de m'avoir adressé votre patiente, Madame {Françoise ${family}}, née le {4 juillet 1951}, demeurant {27 rue des Lilas}, {38000 Grenoble}, pour une douleur thoracique.
Son mari, {Bernard}, est joignable au {${glue('06 12 34 ', '98 71')}}.
Numéro de dossier : {${glue('4829', '104')}}

Cordialement,
{Hélène ${other}}`,
  ],
  [
    'informe.txt',
    `Paciente: {María del Carmen ${family}}
Fecha de nacimiento: {${glue('17/09/', '1958')}}
NHC: {${glue('7734', '120')}}
Domicilio: {Calle Mayor 14, 3º B}, {28013 Madrid}

Doña {María del Carmen} es una mujer que ingresó acompañada por su hijo {Alejandro}. Fue valorada por el Dr. {Javier ${other}}.`,
  ],
  [
    'carta.txt',
    `Doente: {Joaquim ${family}}
N.º de utente: {${glue('384729', '105')}}
Morada: {Rua das Flores, 112}, {4050-262 Porto}

O Sr. {Joaquim ${family}} foi internado por dor torácica. A esposa, {Maria de Lurdes}, refere que o doente deixou de tomar a medicação.`,
  ],
  [
    'chat.txt',
    `[12/03/2024, 09:14:02] {Ana ${family}}: morning, did you see mr {${other}} yet?
[12/03/2024, 09:15:40] {Tom}: yes. his daughter called from {${glue('312-555-', '8847')}}`,
  ],
  [
    'chat2.txt',
    `[09:02] {ana}: hey can someone check on mrs. {${other.toLowerCase()}} in 304\n[09:03] {tom}: on it, she is in bed`,
  ],
  [
    'note.txt',
    `0700 Report rec'd. Pt c/o pain 6/10, VS 132/78 HR 84, POD#2 s/p L TKA.
0815 Spouse {Carol ${family}} at bedside. RTC 3 wks. Pt lives at {2210 Juniper Ct}.
0930 Insurance #: {${glue('XQH8839', '10274')}} MR# {${glue('2093', '817')}}`,
  ],
];

/** A text without its marks, and what they mark, as offsets into its bytes. */
function unmarked(text: string): {
  readonly plain: string;
  readonly marked: readonly (readonly [number, number])[];
} {
  let plain = '';
  const marked: [number, number][] = [];
  for (const part of text.split(/(\{[^}]*\})/)) {
    const start = Buffer.byteLength(plain);
    plain += part.replace(/^\{(.*)\}$/, '$1');
    if (part.startsWith('{')) marked.push([start, Buffer.byteLength(plain)]);
  }
  return { plain, marked };
}

describe('a letter', () => {
  test.each(letters)('%s', async (path, text) => {
    const { plain, marked } = unmarked(text);
    const bytes = Buffer.from(plain);
    const { findings } = await scanner.scan({ kind: 'file', path }, bytes);
    const shown = (start: number, end: number) => bytes.toString('utf8', start, end);
    const covered = ([start, end]: readonly [number, number]) =>
      findings.some(({ byteStart, byteEnd }) => byteStart < end && byteEnd > start);
    expect(marked.filter((each) => !covered(each)).map(([start, end]) => shown(start, end))).toEqual([]);
    const loose = findings.filter(
      ({ rule, byteStart, byteEnd }) =>
        rule !== 'phi/date' && !marked.some(([start, end]) => byteStart < end && byteEnd > start),
    );
    expect(loose.map(({ byteStart, byteEnd }) => shown(byteStart, byteEnd))).toEqual([]);
  });

  test.each([
    'Sehr geehrte Damen und Herren,\n\nhiermit kündige ich meinen Vertrag. Bitte senden Sie mir eine Bestätigung. Die Rechnung habe ich bezahlt.\n\nMit freundlichen Grüßen\n',
    'La reunión del martes trató sobre el presupuesto. El ayuntamiento quiere arreglar el tejado de la biblioteca antes del invierno.',
    'La réunion a porté sur le budget. Le conseil veut réparer le toit de la bibliothèque avant la fin de cet hiver.',
  ])('about nobody: %s', async (text) => {
    const { findings } = await scanner.scan({ kind: 'file', path: 'a.txt' }, Buffer.from(text));
    expect(findings).toEqual([]);
  });
});
