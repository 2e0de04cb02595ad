// What the words of a field's name mean, and what they mean together: `PAT_LST_NM`, `ADDR1_TXT`, `fec_nac`,
// `Geb. Datum des Patienten`. Every word must be known: one that is not may turn the meaning around.
import type { lexicon } from './field-names.ts';

type FieldKind = keyof typeof lexicon;

const concepts = {
  patient:
    'patient patients pat pt ptnt pac paciente patiente patientin patienten doente utente client clnt resident',
  member:
    'member mbr mem memb subscriber subscr sbr subs sub insured insrd guarantor guar gtr beneficiary bene benef ' +
    'enrollee policyholder versicherter versicherten asegurado assure segurado holder dependent dep',
  relative:
    'mother father spouse parent guardian nok kin emergency emerg contact cntct next mothers fathers mutter ' +
    'vater madre padre mere pere conjoint conyuge',
  first: 'first frst fst given gvn forename vorname vor prenom pren fname nombres prenome primer',
  last: 'last lst surname srnm family fam fmly nachname nach familienname lname apellido apellidos ape apell sobrenome apelido maiden maidn',
  middle: 'middle mid mdl mddl',
  name: 'name names nm nam nme nom nome nombre',
  birth:
    'birth brth bth birt birthday born dob geburt geburts geb nac nacimiento nacim naiss naissance nasc nascimento',
  date: 'date dt dte dat datum fecha fec fch data tag day',
  care:
    'admit admt admission adm admsn discharge disch dschg dsch dischg visit vst svc srvc service encounter enctr enc ' +
    'procedure proc surgery surg ingreso alta egreso aufnahme entlassung aufn entl entree sortie internamento consulta appointment appt',
  address:
    'address addr adr adrs addrs direccion dir domicilio morada anschrift adresse street strt strasse str rue calle rua residence mailing',
  line: 'line ln ligne linea zeile hausnr hausnummer strasse',
  city: 'city cty town twn ville ort wohnort ciudad cidade poblacion localidad municipio stadt commune',
  zip: 'zip zipcode postal pstl postcode post plz postleitzahl cep',
  phone:
    'phone phn phne telephone tel tele telefon telefono telefone fon fono tlf mobile mobil mob cell handy celular movil portable',
  fax: 'fax telefax',
  email: 'email eml mail correo courriel',
  ssn: 'ssn',
  social: 'social soc sozial',
  security: 'security sec secu securite seguridad seg',
  national: 'dni nie nif nss cpf nir curp nhs nino',
  medical: 'medical med mdcl medico',
  record: 'record rec rcrd recd chart mrn hist historia dossier expediente akte krankenakte prontuario',
  clinical: 'clinical clin clinica clinico',
  plan:
    'insurance ins insur insrnc policy pol plcy plan hlth health medicare medicaid medicr mcare mcaid vers versicherung ' +
    'versicherungs krankenversicherung seguro poliza assurance mutuelle apolice payer',
  account: 'account acct acc konto cuenta compte conta',
  id: 'id ident identifier number num nbr nmbr nr no key numero nummer',
  code: 'code cd cod',
  // Whose or which, and nothing about what.
  filler:
    'of the and de des der die das du la le el do da a y e et u und d l home hm work wrk primary prim pri secondary ' +
    'secndry personal current curr cur legal full txt text val value str desc fld field col raw orig src dom privat prv pers ' +
    'res resid residential perm permanent mail mailing day evening eve alt alternate n',
} as const;

type Concept = keyof typeof concepts;

const byWord = new Map<string, Concept>();
// The first meaning of a word counts.
for (const [concept, words] of Object.entries(concepts))
  for (const word of words.split(' ')) if (!byWord.has(word) && isConcept(concept)) byWord.set(word, concept);

/** All words that can stand in such a name. */
export const conceptWords: readonly string[] = [...byWord.keys()];

function isConcept(text: string): text is Concept {
  return Object.hasOwn(concepts, text);
}

/** What must and what may be said together; the first that fits decides. */
const meanings: readonly (readonly [
  needed: readonly Concept[],
  allowed: readonly Concept[],
  kind: FieldKind,
])[] = [
  [['ssn'], ['id', 'patient', 'member', 'relative'], 'ssn'],
  [['social', 'security'], ['id', 'patient', 'member'], 'ssn'],
  [['national'], ['id', 'patient', 'member'], 'national-id'],
  [['birth', 'date'], ['patient', 'member'], 'birth-date'],
  [['birth', 'patient'], [], 'birth-date'],
  [['birth', 'member'], [], 'birth-date'],
  [['care', 'date'], ['patient', 'medical', 'clinical'], 'care-date'],
  [['first', 'name'], ['patient', 'member', 'relative'], 'given-name'],
  [['first', 'patient'], [], 'given-name'],
  [['first', 'member'], [], 'given-name'],
  [['middle', 'name'], ['patient', 'member'], 'given-name'],
  [['last', 'name'], ['patient', 'member', 'relative'], 'family-name'],
  [['last', 'patient'], [], 'family-name'],
  [['last', 'member'], [], 'family-name'],
  [['patient', 'name'], [], 'full-name'],
  [['member', 'name'], [], 'full-name'],
  [['relative', 'name'], [], 'full-name'],
  [['email'], ['address', 'patient', 'member', 'relative'], 'email'],
  [['fax'], ['id', 'phone', 'patient', 'member'], 'fax'],
  [['phone'], ['id', 'patient', 'member', 'relative'], 'phone'],
  [['city'], ['address', 'email', 'patient', 'member', 'name'], 'city'],
  [['zip'], ['code', 'address', 'email', 'patient', 'member', 'id'], 'zip'],
  [['address'], ['line', 'patient', 'member', 'relative'], 'street'],
  [['medical', 'record'], ['id', 'patient'], 'mrn'],
  [['record', 'clinical'], ['id', 'patient'], 'mrn'],
  [['record', 'id', 'patient'], [], 'mrn'],
  [['plan', 'id'], ['member', 'patient', 'medical'], 'health-plan'],
  [['account', 'id'], ['patient', 'member'], 'account'],
];

const MOST_WORDS = 8;

/** The kind of a name by its words in lower case and without accents; undefined where one of them is unknown. */
export function composedKind(words: readonly string[]): FieldKind | undefined {
  // One word by itself is known by its own name or not at all.
  if (words.length > MOST_WORDS || (words.length < 2 && !/\d$/.test(words[0] ?? ''))) return undefined;
  const said = new Set<Concept>();
  for (const word of words) {
    const concept = byWord.get(word) ?? byWord.get(withoutDigits(word));
    if (concept === undefined) {
      if (/^\d$/.test(word)) continue;
      return undefined;
    }
    if (concept !== 'filler') said.add(concept);
  }
  if (said.size === 0) return undefined;
  return meanings.find(
    ([needed, allowed]) =>
      needed.every((each) => said.has(each)) &&
      [...said].every((each) => needed.includes(each) || allowed.includes(each)),
  )?.[2];
}

/** A word without the digit that counts it: `addr1`. */
function withoutDigits(word: string): string {
  return /\D\d$/.test(word) ? word.slice(0, -1) : '';
}
