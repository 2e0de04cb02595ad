// Attributes of DICOM data sets that identify a patient (PS3.15 annex E), by tag.
import type { RuleId } from '../catalog.ts';
import type { FieldKind } from './fields.ts';

/** Rule, how the value is judged (undefined: anything counts), and how sure it is. */
export type DicomAttribute = readonly [RuleId, FieldKind | undefined, number];

const person: DicomAttribute = ['phi/name', undefined, 0.95];
const patientId: DicomAttribute = ['phi/mrn', undefined, 0.95];
const careDate: DicomAttribute = ['phi/date', 'care-date', 0.6];
const device: DicomAttribute = ['phi/device', 'device', 0.5];

export const dicomAttributes: Readonly<Record<string, DicomAttribute>> = {
  '00100010': person, // Patient's Name
  '00101001': person, // Other Patient Names
  '00101005': person, // Patient's Birth Name
  '00101060': person, // Patient's Mother's Birth Name
  '00102297': person, // Responsible Person
  '00120010': ['phi/name', undefined, 0.5], // Clinical Trial Sponsor Name
  '00100020': patientId, // Patient ID
  '00101000': patientId, // Other Patient IDs
  '00101090': patientId, // Medical Record Locator
  '00120040': patientId, // Clinical Trial Subject ID
  '00120042': patientId, // Clinical Trial Subject Reading ID
  '00100030': ['phi/birth-date', 'birth-date', 0.95],
  '00100035': ['phi/birth-date', 'birth-date', 0.95],
  '00101040': ['phi/address', undefined, 0.95], // Patient's Address
  '00380300': ['phi/address', undefined, 0.6], // Current Patient Location
  '00380400': ['phi/address', undefined, 0.9], // Patient's Institution Residence
  '00102154': ['phi/phone', 'phone', 0.95],
  '00102155': ['phi/phone', undefined, 0.9], // Patient's Telecom Information
  '00380010': ['phi/account', undefined, 0.9], // Admission ID
  '00380060': ['phi/account', undefined, 0.9], // Service Episode ID
  '00080050': ['phi/other', undefined, 0.6], // Accession Number
  '00101050': ['phi/health-plan', undefined, 0.9], // Insurance Plan Identification
  '00080020': careDate, // Study Date
  '00080021': careDate, // Series Date
  '00080022': careDate, // Acquisition Date
  '00080023': careDate, // Content Date
  '00380020': careDate, // Admitting Date
  '00380030': careDate, // Discharge Date
  '001021d0': careDate, // Last Menstrual Date
  '00181000': device, // Device Serial Number
  '00181002': device, // Device UID
};
