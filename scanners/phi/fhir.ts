// FHIR R4/R5 JSON and NDJSON: Patient, RelatedPerson, Person, Coverage and references to patients. A tolerant walk
// over the JSON text that knows the path of every string; cut or malformed JSON only loses what cannot be placed.
import type { RuleId } from '../catalog.ts';
import type { FormatReader, Hit } from '../rule.ts';
import type { FieldKind } from './fields.ts';
import { isSyntheaName } from './synthetic.ts';
import { judgeValue } from './values.ts';

interface Node {
  readonly bracket: '{' | '[';
  readonly key: string;
  readonly parent: Node | undefined;
  resourceType: string;
  /** Strings of an object, kept until it closes: their meaning depends on siblings (`system`, `use`, `reference`). */
  readonly strings: Leaf[];
}

interface Leaf {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

const persons = new Set(['Patient', 'RelatedPerson', 'Person']);
const clinicalPersons = new Set(['Practitioner']);
const MAX_DEPTH = 64;
const token = /[{}[\]]|"(?:[^"\\\n]|\\.){0,100000}"(\s{0,8}:)?/g;
const CONFIDENCE = 0.95;

export const fhirReader: FormatReader = {
  name: 'fhir',
  stateful: false,
  accepts: (head, document, personKeys) =>
    document.kind === 'file' &&
    !document.binary &&
    personKeys > 0 &&
    (/"resourceType"/.test(head) || /^(?:json|ndjson|jsonl|fhir)$/.test(document.extension)),
  read({ view, from }, emit) {
    const hits: Hit[] = [];
    walk(view, from, (hit) => void hits.push(hit));
    for (const hit of explainSynthea(view, hits)) emit(hit);
    return null;
  },
};

/**
 * Synthea appends digits to every name and gives every patient an SSN of area 999. Both together, for every person of
 * the document, make the whole document synthetic; names with digits alone prove nothing.
 */
function explainSynthea(view: string, hits: readonly Hit[]): readonly Hit[] {
  const names = hits.filter(
    (hit) => hit.rule === 'phi/name' && !view.slice(hit.start, hit.end).includes(' '),
  );
  const generator =
    view.includes('synthetichealth') ||
    hits.some((hit) => hit.rule === 'phi/ssn' && view.startsWith('999', hit.start));
  const made =
    generator && names.length > 0 && names.every((hit) => isSyntheaName(view.slice(hit.start, hit.end)));
  return made ? hits.map((hit) => ({ ...hit, synthetic: 'a document made by Synthea' })) : hits;
}

function walk(view: string, from: number, emit: (hit: Hit) => void): void {
  let top: Node | undefined;
  let depth = 0;
  let key = '';
  const pending: Leaf[] = [];
  token.lastIndex = from;
  for (let match = token.exec(view); match; match = token.exec(view)) {
    const text = match[0];
    if (text === '{' || text === '[') {
      depth++;
      if (depth <= MAX_DEPTH)
        top = {
          bracket: text,
          key: text === '{' && key === '' ? (top?.key ?? '') : key,
          parent: top,
          resourceType: '',
          strings: pending.splice(0),
        };
      key = '';
    } else if (text === '}' || text === ']') {
      if (depth <= MAX_DEPTH && top !== undefined) {
        if (top.bracket === '{') readObject(view, top, emit);
        top = top.parent;
      }
      depth = Math.max(0, depth - 1);
      key = '';
    } else if (match[1] !== undefined) {
      key = view.slice(match.index + 1, match.index + Math.min(40, text.lastIndexOf('"')));
    } else if (top !== undefined) {
      const leaf = { key: key || top.key, start: match.index + 1, end: match.index + text.length - 1 };
      if (leaf.key === 'resourceType') top.resourceType = view.slice(leaf.start, leaf.end);
      const object = top.bracket === '[' ? top.parent : top;
      object?.strings.push(leaf);
      key = '';
    }
  }
}

/** Key of the object in its parent object, and the nearest resource around it with the path from there. */
function locateIn(node: Node): { readonly resource: Node | undefined; readonly path: readonly string[] } {
  const path: string[] = [];
  let at: Node | undefined = node;
  while (at !== undefined) {
    if (at.resourceType !== '') return { resource: at, path };
    if (at.bracket === '{') path.unshift(at.key);
    at = at.parent;
  }
  return { resource: undefined, path };
}

function readObject(view: string, node: Node, emit: (hit: Hit) => void): void {
  const { resource, path } = locateIn(node);
  if (resource === undefined) return;
  const type = resource.resourceType;
  const values = new Map(node.strings.map((leaf) => [leaf.key, view.slice(leaf.start, leaf.end)]));
  const report = (leaf: Leaf, rule: RuleId, kind: FieldKind | undefined): void => {
    const text = view.slice(leaf.start, leaf.end);
    if (text.length === 0) return;
    let synthetic: string | undefined;
    if (kind !== undefined) {
      const verdict = judgeValue(kind, text);
      if (verdict.kind === 'refuted') return;
      if (verdict.kind === 'synthetic') synthetic ??= verdict.reason;
    }
    const hit = { rule, start: leaf.start, end: leaf.end, confidence: CONFIDENCE, place: `FHIR ${type}` };
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  };
  if (persons.has(type) || clinicalPersons.has(type)) {
    readPerson(node, path, values, clinicalPersons.has(type), report);
    return;
  }
  for (const leaf of node.strings) {
    if (type === 'Coverage' && leaf.key === 'subscriberId') report(leaf, 'phi/health-plan', undefined);
    if (leaf.key === 'display' && refersToPatient(values.get('reference'), path.at(-1)))
      report(leaf, 'phi/name', 'full-name');
  }
}

function refersToPatient(reference: string | undefined, key: string | undefined): boolean {
  if (reference !== undefined && /(?:^|\/)(?:Patient|RelatedPerson)\//.test(reference)) return true;
  return (
    (key === 'subject' || key === 'patient' || key === 'beneficiary' || key === 'subscriber') &&
    !/(?:Group|Device|Location|Practitioner|Organization)\//.test(reference ?? '')
  );
}

function readPerson(
  node: Node,
  path: readonly string[],
  values: ReadonlyMap<string, string>,
  practitioner: boolean,
  report: (leaf: Leaf, rule: RuleId, kind: FieldKind | undefined) => void,
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
          const rule = identifierRule(system, practitioner);
          report(leaf, rule, rule === 'phi/ssn' ? 'ssn' : undefined);
        }
    }
  }
}

/** What an identifier is, by the system that issued it. */
function identifierRule(system: string, practitioner: boolean): RuleId {
  if (/us-ssn|2\.16\.840\.1\.113883\.4\.1$/.test(system)) return 'phi/ssn';
  if (/us-npi|2\.16\.840\.1\.113883\.4\.6$/.test(system)) return 'phi/npi';
  if (/us-mbi|113883\.4\.(?:572|927)$/.test(system)) return 'phi/mbi';
  if (/113883\.4\.3\.|driver/i.test(system)) return 'phi/license';
  if (/passport/i.test(system)) return 'phi/national-id';
  return practitioner ? 'phi/license' : 'phi/mrn';
}
