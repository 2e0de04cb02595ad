// What the elements of FHIR resources say about a patient (R4, R5, STU3 and DSTU2), whatever syntax they were read from.
import type { RuleId } from '../catalog.ts';
import type { Hit } from '../rule.ts';
import type { FieldKind } from './fields.ts';
import { judgeValue } from './values.ts';

/** An object or list of a resource while it is read. */
export interface FhirNode {
  readonly bracket: '{' | '[';
  readonly key: string;
  readonly parent: FhirNode | undefined;
  resourceType: string;
  /** Code of `type.coding` of an identifier (HL7 table 0203), set when that inner object closes. */
  typeCode: string;
  /** Strings of an object, kept until it closes: their meaning depends on siblings (`system`, `use`, `reference`). */
  readonly strings: FhirLeaf[];
}

export interface FhirLeaf {
  readonly key: string;
  /** Offsets of the value in the view, without quotes. */
  readonly start: number;
  readonly end: number;
}

const persons = new Set(['Patient', 'RelatedPerson', 'Person']);
const clinicalPersons = new Set(['Practitioner']);
const CONFIDENCE = 0.95;

/** Key of the object in its parent object, and the nearest resource around it with the path from there. */
function locateIn(node: FhirNode): {
  readonly resource: FhirNode | undefined;
  readonly path: readonly string[];
} {
  const path: string[] = [];
  let at: FhirNode | undefined = node;
  while (at !== undefined) {
    if (at.resourceType !== '') return { resource: at, path };
    if (at.bracket === '{') path.unshift(at.key);
    at = at.parent;
  }
  return { resource: undefined, path };
}

/** Values of other resources that belong to one person, by type and element or by the last two elements. */
const otherLeafs: Readonly<Record<string, RuleId>> = {
  'Coverage.subscriberId': 'phi/health-plan',
  'Device.serialNumber': 'phi/device',
  '*.udiCarrier.carrierHRF': 'phi/device',
  '*.udi.carrierHRF': 'phi/device',
};

/** Reports what a finished object holds about a person. */
export function readFhirObject(view: string, node: FhirNode, emit: (hit: Hit) => void): void {
  const { resource, path } = locateIn(node);
  if (resource === undefined) return;
  noteTypeCode(view, node, path);
  const type = resource.resourceType;
  const values = new Map(node.strings.map((leaf) => [leaf.key, view.slice(leaf.start, leaf.end)]));
  const report = (leaf: FhirLeaf, rule: RuleId, kind: FieldKind | undefined): void => {
    const text = view.slice(leaf.start, leaf.end);
    if (text.length === 0) return;
    let synthetic: string | undefined;
    if (kind !== undefined) {
      // Parts of names begin in lower case (`van`, `du`) and may be one letter.
      const part = kind === 'given-name' || kind === 'family-name';
      if (part && /^[A-Z]$/.test(text)) kind = undefined;
      const verdict =
        kind === undefined
          ? undefined
          : judgeValue(kind, part ? text.charAt(0).toUpperCase() + text.slice(1) : text);
      if (verdict?.kind === 'refuted') return;
      if (verdict?.kind === 'synthetic') synthetic = verdict.reason;
    }
    const hit = { rule, start: leaf.start, end: leaf.end, confidence: CONFIDENCE, place: `FHIR ${type}` };
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  };
  if (persons.has(type) || clinicalPersons.has(type)) {
    readPerson(node, path, values, clinicalPersons.has(type), report);
    return;
  }
  for (const leaf of node.strings) {
    const rule =
      otherLeafs[`${type}.${leaf.key}`] ?? otherLeafs[`*.${[...path, leaf.key].slice(-2).join('.')}`];
    if (rule !== undefined) report(leaf, rule, undefined);
    if (type === 'Coverage' && path.length === 1 && path[0] === 'identifier' && leaf.key === 'value')
      report(leaf, 'phi/health-plan', undefined);
    if (leaf.key === 'display' && refersToPatient(values.get('reference'), path.at(-1)))
      report(leaf, 'phi/name', 'full-name');
  }
}

/** Hands the code of an identifier's type up to the identifier. */
function noteTypeCode(view: string, node: FhirNode, path: readonly string[]): void {
  if (path.at(-1) !== 'coding' || path.at(-2) !== 'type') return;
  const code = node.strings.find((leaf) => leaf.key === 'code');
  let owner = node.parent;
  while (owner !== undefined && owner.key !== 'identifier') owner = owner.parent;
  if (owner?.bracket === '[') return;
  if (owner !== undefined && code !== undefined) owner.typeCode = view.slice(code.start, code.end);
}

function refersToPatient(reference: string | undefined, key: string | undefined): boolean {
  if (reference !== undefined && /(?:^|\/)(?:Patient|RelatedPerson)\//.test(reference)) return true;
  return (
    (key === 'subject' || key === 'patient' || key === 'beneficiary' || key === 'subscriber') &&
    !/(?:Group|Device|Location|Practitioner|Organization)\//.test(reference ?? '')
  );
}

function readPerson(
  node: FhirNode,
  path: readonly string[],
  values: ReadonlyMap<string, string>,
  practitioner: boolean,
  report: (leaf: FhirLeaf, rule: RuleId, kind: FieldKind | undefined) => void,
): void {
  const key = path.at(-1) ?? '';
  const system = values.get('system') ?? '';
  for (const leaf of node.strings) {
    switch (leaf.key) {
      case 'family':
        report(leaf, 'phi/name', 'family-name');
        break;
      case 'given':
        report(leaf, 'phi/name', 'given-name');
        break;
      case 'text':
        if (key === 'name') report(leaf, 'phi/name', 'full-name');
        else if (key === 'address') report(leaf, 'phi/address', undefined);
        break;
      case 'birthDate':
      case 'deceasedDateTime':
        report(leaf, 'phi/birth-date', 'birth-date');
        break;
      case 'line':
      case 'city':
      case 'postalCode':
      case 'district':
        if (!practitioner || key === 'address') report(leaf, 'phi/address', undefined);
        break;
      case 'data':
        if (key === 'photo') report(leaf, 'phi/photo', undefined);
        break;
      case 'valueString':
        if (/mothersMaidenName/i.test(values.get('url') ?? '')) report(leaf, 'phi/name', 'family-name');
        break;
      case 'display':
        if (refersToPatient(values.get('reference'), key)) report(leaf, 'phi/name', 'full-name');
        break;
      case 'value':
        if (key === 'telecom') {
          const fax = system === 'fax';
          if (system === 'email') report(leaf, 'phi/email', 'email');
          else if (fax || system === 'phone' || system === 'sms' || system === '')
            report(leaf, fax ? 'phi/fax' : 'phi/phone', 'phone');
          else if (system === 'url') report(leaf, 'phi/url', undefined);
        } else if (key === 'identifier') {
          const rule = identifierRule(system, node.typeCode, practitioner);
          report(leaf, rule, rule === 'phi/ssn' ? 'ssn' : undefined);
        }
    }
  }
}

/** HL7 table 0203, for identifiers whose system says nothing. */
const typeCodes: Readonly<Record<string, RuleId>> = {
  MR: 'phi/mrn',
  SS: 'phi/ssn',
  SB: 'phi/ssn',
  DL: 'phi/license',
  NPI: 'phi/npi',
  PPN: 'phi/other',
  MC: 'phi/health-plan',
  MB: 'phi/health-plan',
  SN: 'phi/health-plan',
  AN: 'phi/account',
  DEA: 'phi/dea',
};

/** What an identifier is, by the system that issued it, else by the code of its type. */
function identifierRule(system: string, typeCode: string, practitioner: boolean): RuleId {
  if (/us-ssn|2\.16\.840\.1\.113883\.4\.1$/.test(system)) return 'phi/ssn';
  if (/us-npi|2\.16\.840\.1\.113883\.4\.6$/.test(system)) return 'phi/npi';
  if (/us-mbi|113883\.4\.(?:572|927)$/.test(system)) return 'phi/mbi';
  if (/113883\.4\.3\.|driver/i.test(system)) return 'phi/license';
  if (/passport/i.test(system)) return 'phi/other';
  return typeCodes[typeCode] ?? (practitioner ? 'phi/license' : 'phi/mrn');
}
