// What the name of a column, key or label says about its value, in English, Spanish, German, French and Portuguese.
// Names are compared without case, accents and separators: `Pat_First-Name` is `patfirstname`.
import type { RuleId } from '../catalog.ts';

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
  clinical: { rule: undefined, role: 'evidence' },
} as const satisfies Record<string, { readonly rule: RuleId | undefined; readonly role: Role }>;

export type FieldKind = keyof typeof fieldKinds;

const lexicon: Readonly<Record<FieldKind, string>> = {
  'full-name':
    'fullname patientname ptname patname patient membername subscribername insuredname personname clientname ' +
    'guarantorname contactname nextofkin nextofkinname nombrecompleto nombrepaciente nombreyapellidos paciente ' +
    'patientenname vollername vollstaendigername nomcomplet nompatient nomecompleto nomepaciente displayname ' +
    'legalname employeename mothersname fathersname namefull member subscriber responsibleparty',
  'given-name':
    'firstname fname givenname given namefirst forename middlename mname middleinitial middle secondname ' +
    'preferredname vorname prenom primeiro primernombre segundonombre nombres primeironome nomeproprio namegiven',
  'family-name':
    'lastname lname familyname family surname namelast maidenname birthname nachname familienname geburtsname apellido ' +
    'apellidos primerapellido segundoapellido nomdefamille sobrenome apelido namefamily mothersmaidenname suffixname',
  'bare-name': 'name nombre nom nome names person user customer kunde cliente client nombrecliente username',
  'birth-date':
    'dob birthdate dateofbirth birthday birthdt dtbirth bdate born birth dtofbirth dobdate birthdatetime brthdt birthdte ' +
    'fechanacimiento fechadenacimiento fnac fnacimiento fecnac nacimiento geburtsdatum gebdat gebdatum gebtag geburtstag ' +
    'datedenaissance datenaissance naissance datadenascimento datanascimento nascimento dtnasc ' +
    'deathdate dateofdeath dod deceaseddate dtdeath fechadefuncion sterbedatum',
  'care-date':
    'admitdate admissiondate admitted admitdt dischargedate discharged dischargedt visitdate visitdt dateofservice dos ' +
    'servicedate encounterdate appointmentdate proceduredate surgerydate collectiondate lastvisit nextappointment ' +
    'fechaingreso fechaalta fechaegreso fechavisita aufnahmedatum entlassungsdatum behandlungsdatum dateadmission ' +
    'datesortie dataadmissao dataalta fromdate thrudate',
  ssn: 'ssn socialsecuritynumber socialsecurity socialsecurityno socsec socsecno ssno ssnum ssnumber socialsecnum ssa taxid itin tin last4ssn patssn',
  'national-id':
    'nationalid nationalidentifier nhsnumber nhsno nin nino nationalinsurancenumber sin nss numsegsocial ' +
    'numeroseguridadsocial seguridadsocial segsocial nass naf dni nie nif curp cpf rg cedula sozialversicherungsnummer svnr ' +
    'svnummer rentenversicherungsnummer rvnr versnr numsecu numerosecuritesociale nir aadhaar personnummer passport ' +
    'passportnumber passportno pasaporte reisepass',
  mrn:
    'mrn medicalrecordnumber medicalrecordno medrecno medrecnum medrecnumber medicalrecord patientid patid ptid patientno ' +
    'patientnumber patientnum chartno chartnumber chartnum chart hospitalno hospitalnumber hospitalid recordnumber unitno ' +
    'unitnumber mrnumber mrno ehrid emrid epicid enterpriseid empi historiaclinica numhistoria nhc numerohistoria ' +
    'expediente fallnummer patientennummer patientennr patnr fallnr aktennummer krankenaktennummer numdossier ipp ' +
    'prontuario numeroprontuario patientmrn pid',
  'health-plan':
    'memberid memberno membernumber membernum subscriberid subscriberno subscribernumber insuranceid insuranceno ' +
    'insurancenumber insurancepolicy insurancepolicynumber policyno policynumber policynum policyid healthplanid ' +
    'healthplannumber planmemberid beneficiaryid beneficiarynumber mbi medicareid medicareno medicarenumber medicaid ' +
    'medicaidid medicaidno medicaidnumber hicn hic groupnumber insuredid payerid hmoid numpoliza numeropoliza poliza ' +
    'tarjetasanitaria cip versichertennummer versicherungsnummer kvnr krankenversichertennummer krankenkassennummer ' +
    'numassure carteirinha healthcardnumber ohip',
  account:
    'accountno accountnumber acct acctno acctnum acctnumber accountnum bankaccount bankaccountnumber guarantoraccount ' +
    'billingaccount patientaccount patientaccountnumber financialaccount iban kontonummer konto ktonr cuenta numerocuenta ' +
    'numcuenta cuentabancaria compte numerocompte conta numeroconta creditcard creditcardnumber cardnumber ccnumber ccnum ' +
    'cardno encounternumber visitnumber csn routingnumber pan',
  license:
    'driverslicense driverslicence driverlicense driverlicence dlnumber dlno dl dlnum licensenumber licenseno licencenumber ' +
    'licenseplateno permisoconducir carnetconducir licenciaconducir fuehrerscheinnr fuehrerschein fuehrerscheinnummer ' +
    'fuhrerscheinnr permisconduire cnh deanumber deano npi npinumber certificatenumber statelicense',
  phone:
    'phone phonenumber phoneno telephone telephonenumber tel telno mobile mobilephone mobileno mobilenumber cell cellphone ' +
    'cellno cellnumber homephone workphone dayphone eveningphone contactnumber contactphone contactno ph phonehome ' +
    'phonework phonemobile phone1 phone2 primaryphone emergencyphone telefono telefonofijo movil celular telefon ' +
    'telefonnummer handy handynummer mobilnummer rufnummer telefone telemovel numtelephone portable nextofkinphone',
  fax: 'fax faxno faxnumber faxnum telefax telefaxnummer faxnummer numfax homefax',
  email:
    'email emailaddress emailaddr emailid mail mailaddress mailadresse contactemail personalemail homeemail workemail ' +
    'correo correoelectronico emailadresse courriel adressemail useremail patientemail e-mail',
  street:
    'street streetaddress street1 street2 streetline address addr address1 address2 addr1 addr2 addressline addressline1 ' +
    'addressline2 addrline1 addrline2 homeaddress homeaddr mailingaddress residence residentialaddress streetname ' +
    'direccion domicilio calle direccionpostal strasse str anschrift adresse wohnadresse hausnummer rue endereco morada ' +
    'logradouro currentaddress permanentaddress line1 line2',
  city: 'city town locality municipality ciudad poblacion localidad municipio ort stadt wohnort ville commune cidade county birthplace placeofbirth',
  zip: 'zip zipcode postalcode postcode postal zip5 zip4 zipplus4 codigopostal cp codpostal plz postleitzahl codepostal cep postalzip',
  ip: 'ipaddress clientip userip patientip remoteip',
  vehicle: 'licenseplate plate platenumber vin vehicleid vehiclenumber kennzeichen matricula',
  device: 'deviceserial deviceserialnumber implantserial pacemakerserial udi deviceid serialnumber',
  clinical:
    'diagnosis diagnoses dx dxcode icd10 icd9 icd icdcode icd10code a1c hba1c ward medication medications allergies allergy ' +
    'bloodtype bloodpressure chiefcomplaint procedure cpt cptcode condition conditions symptoms attendingphysician ' +
    'physician pcp diagnostico medicamento alergias diagnose medikation station allergien diagnostic prescription rx ' +
    'labresult treatment immunization encounterid primarydiagnosis admissiontype insurance insuranceprovider',
};

const byName: ReadonlyMap<string, FieldKind> = new Map(
  // Object.entries widens keys to string; the record's own type gives them back.
  Object.entries(lexicon).flatMap(([kind, names]) =>
    names
      .split(' ')
      .map((name): [string, FieldKind] => [name.replaceAll('-', ''), isFieldKind(kind) ? kind : 'clinical']),
  ),
);

function isFieldKind(text: string): text is FieldKind {
  return Object.hasOwn(fieldKinds, text);
}

/** Words in front of a field that say whose it is. */
const owners =
  /^(?:patients?|pt|pat|member|subscriber|insured|guarantor|beneficiary|person|persons|client|customer|employee|contact|emergencycontact|emergency|nextofkin|nok|spouse|mother|father|parent|guardian|policyholder|primary|secondary|home|personal|current|legal|user|applicant|resident|participant|subject|child|dependent|demographics?|num|numero)(?=.)/;
const endings = /(?:s|1|2|value|text|str|num|no|number|nr|id|of|patient|encrypted)$/;

/** Lower case, without accents, separators and everything else that is not a letter or digit. */
export function normaliseFieldName(name: string): string {
  return name
    .normalize('NFD')
    .replaceAll('ß', 'ss')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
}

const cache = new Map<string, FieldKind | undefined>();
const CACHE_NAMES = 4_096;

/** What a field of this name holds, or undefined. `name` is decoded text. */
export function fieldKind(name: string): FieldKind | undefined {
  if (name.length > 48) return undefined;
  if (cache.has(name)) return cache.get(name);
  if (cache.size >= CACHE_NAMES) cache.clear();
  const kind = lookUp(normaliseFieldName(name));
  cache.set(name, kind);
  return kind;
}

function lookUp(key: string): FieldKind | undefined {
  const direct = byName.get(key);
  if (direct !== undefined) return direct;
  const rest = key.replace(owners, '');
  if (rest !== key) {
    const owned = rest === 'name' ? 'full-name' : (byName.get(rest) ?? byName.get(rest.replace(owners, '')));
    if (owned !== undefined) return owned;
    if (rest === 'id' && /^(?:patient|pt|pat)/.test(key)) return 'mrn';
  }
  return key.length > 6 ? byName.get(key.replace(endings, '')) : undefined;
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
];
