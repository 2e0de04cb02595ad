// Which fields of HL7 v2 segments hold a person's data (HL7 v2.8.2 chapters 3 and 6), as one table.
import type { RuleId } from '../catalog.ts';

/** How the value of a field is cut out and judged. */
export type Shape = 'person' | 'address' | 'identifier' | 'date' | 'phone' | 'ssn' | 'place';

export type FieldTable = Readonly<Record<number, readonly [Shape, RuleId]>>;

const relative: FieldTable = {
  2: ['person', 'phi/name'],
  4: ['address', 'phi/address'],
  5: ['phone', 'phi/phone'],
  6: ['phone', 'phi/phone'],
  16: ['date', 'phi/birth-date'],
  26: ['person', 'phi/name'],
  30: ['person', 'phi/name'],
  31: ['phone', 'phi/phone'],
  32: ['address', 'phi/address'],
  33: ['identifier', 'phi/other'],
  37: ['ssn', 'phi/ssn'],
};

/** Fields that hold a person's data, by segment and position. */
export const segments: Readonly<Record<string, FieldTable>> = {
  PID: {
    2: ['identifier', 'phi/mrn'],
    3: ['identifier', 'phi/mrn'],
    4: ['identifier', 'phi/mrn'],
    5: ['person', 'phi/name'],
    6: ['person', 'phi/name'],
    7: ['date', 'phi/birth-date'],
    9: ['person', 'phi/name'],
    11: ['address', 'phi/address'],
    12: ['place', 'phi/address'],
    13: ['phone', 'phi/phone'],
    14: ['phone', 'phi/phone'],
    18: ['identifier', 'phi/account'],
    19: ['ssn', 'phi/ssn'],
    20: ['identifier', 'phi/license'],
    21: ['identifier', 'phi/mrn'],
    23: ['place', 'phi/address'],
    29: ['date', 'phi/date'],
  },
  NK1: relative,
  GT1: {
    2: ['identifier', 'phi/account'],
    3: ['person', 'phi/name'],
    4: ['person', 'phi/name'],
    5: ['address', 'phi/address'],
    6: ['phone', 'phi/phone'],
    7: ['phone', 'phi/phone'],
    8: ['date', 'phi/birth-date'],
    12: ['ssn', 'phi/ssn'],
    16: ['person', 'phi/name'],
    17: ['address', 'phi/address'],
    18: ['phone', 'phi/phone'],
    19: ['identifier', 'phi/other'],
  },
  IN1: {
    16: ['person', 'phi/name'],
    18: ['date', 'phi/birth-date'],
    19: ['address', 'phi/address'],
    36: ['identifier', 'phi/health-plan'],
    49: ['identifier', 'phi/health-plan'],
  },
  IN2: {
    1: ['identifier', 'phi/other'],
    2: ['ssn', 'phi/ssn'],
    6: ['identifier', 'phi/health-plan'],
    8: ['identifier', 'phi/health-plan'],
    61: ['identifier', 'phi/health-plan'],
    63: ['phone', 'phi/phone'],
    64: ['phone', 'phi/phone'],
  },
  PV1: { 19: ['identifier', 'phi/account'], 50: ['identifier', 'phi/account'] },
  MRG: {
    1: ['identifier', 'phi/mrn'],
    2: ['identifier', 'phi/mrn'],
    3: ['identifier', 'phi/account'],
    4: ['identifier', 'phi/mrn'],
    7: ['person', 'phi/name'],
  },
};

/** Fields of free text, in which the patient's own values are looked for again. */
export const freeText: Readonly<Record<string, number>> = { OBX: 5, NTE: 3 };

/** HL7 table 0203: identifier types that belong to another kind than the field's. */
export const typeRules: Readonly<Record<string, RuleId>> = {
  DL: 'phi/license',
  NPI: 'phi/npi',
  AN: 'phi/account',
  MC: 'phi/health-plan',
  MA: 'phi/health-plan',
  MB: 'phi/health-plan',
  SN: 'phi/health-plan',
  PPN: 'phi/other',
};
