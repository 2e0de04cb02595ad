// NCPDP Telecommunication D.0 claims of pharmacies: fields parted by control characters, each named by two characters.
//   transmission = header *(RS segment);  segment = *(FS field-id value);  FS = 0x1c, GS = 0x1d, RS = 0x1e
import type { RuleId } from '../catalog.ts';
import type { FormatReader } from '../rule.ts';
import type { FieldKind } from './fields.ts';
import { judgeValue } from './values.ts';

/** Fields of the patient, insurance and claim segments that identify a person. */
const fields: Readonly<Record<string, readonly [RuleId, FieldKind | undefined]>> = {
  C2: ['phi/health-plan', undefined], // Cardholder ID
  C4: ['phi/birth-date', 'birth-date'], // Date of Birth
  CA: ['phi/name', undefined], // Patient First Name
  CB: ['phi/name', undefined], // Patient Last Name
  CC: ['phi/name', undefined], // Cardholder First Name
  CD: ['phi/name', undefined], // Cardholder Last Name
  CM: ['phi/address', undefined], // Patient Street Address
  CN: ['phi/address', undefined], // Patient City Address
  CP: ['phi/address', undefined], // Patient Zip/Postal Zone
  CQ: ['phi/phone', 'phone'], // Patient Phone Number
  CY: ['phi/mrn', undefined], // Patient ID
  D2: ['phi/account', undefined], // Prescription/Service Reference Number
  HN: ['phi/email', 'email'], // Patient E-Mail Address
  N5: ['phi/health-plan', undefined], // Medicaid ID Number
};

const field = /\x1c([A-Z][A-Z\d])([^\x1c-\x1e\r\n]{1,120})/g;
const CONFIDENCE = 0.94;

export const ncpdpReader: FormatReader = {
  name: 'ncpdp',
  stateful: false,
  accepts: (head, document) =>
    document.kind === 'file' && head.includes('\x1cAM') && /\x1cAM\d\d\x1c/.test(head),
  read({ view, from }, emit) {
    field.lastIndex = from;
    for (let match = field.exec(view); match; match = field.exec(view)) {
      const entry = fields[match[1] ?? ''];
      const value = (match[2] ?? '').trimEnd();
      if (entry === undefined || value.length < 2) continue;
      const verdict = entry[1] === undefined ? undefined : judgeValue(entry[1], value);
      if (verdict?.kind === 'refuted') continue;
      const start = match.index + 3;
      const hit = {
        rule: entry[0],
        start,
        end: start + value.length,
        confidence: CONFIDENCE,
        place: 'an NCPDP claim',
      };
      emit(verdict?.kind === 'synthetic' ? { ...hit, synthetic: verdict.reason } : hit);
    }
    return null;
  },
};
