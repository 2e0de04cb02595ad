// C-CDA and other CDA documents: the header's recordTarget and the persons related to the patient. XML is read tag by
// tag with bounded patterns; nothing is resolved, no entity is expanded.
import type { RuleId } from '../catalog.ts';
import type { FormatReader, Hit } from '../rule.ts';
import { ssnReason } from '../validators/ssn.ts';
import { Echo } from './echo.ts';
import type { FieldKind } from './fields.ts';
import { judgeValue } from './values.ts';

const regions =
  /<(?:\w{1,12}:)?(recordTarget|relatedEntity|guardian|relatedPerson|patientRole|associatedEntity|relatedSubject)\b/g;
const narrative = /<(\w{1,12}:)?(text|title)\b[^<>]{0,500}(?<!\/)>/g;
const tag = /<(\/?)(?:\w{1,12}:)?(\w{1,32})([^<>]{0,2000})>/g;
const attribute = /\b(root|extension|value|nullFlavor|use)\s{0,4}=\s{0,4}["']/g;
const CONFIDENCE = 0.94;
/** A header region that does not end within this many characters is read no further. */
const MAX_REGION = 60_000;

export const ccdaReader: FormatReader = {
  name: 'ccda',
  stateful: false,
  anchors: [
    'clinicaldocument',
    'recordtarget',
    'patientrole',
    'urn:hl7-org:v3',
    '<guardian',
    '<relatedentity',
  ],
  accepts: (head, document, _persons, anchored) =>
    anchored &&
    document.kind === 'file' &&
    (/<(?:\w{1,12}:)?(?:ClinicalDocument|recordTarget|patientRole)\b|urn:hl7-org:v3/.test(head) ||
      (document.extension === 'xml' && /<(?:guardian|relatedEntity)\b/.test(head))),
  read({ view, from }, emit) {
    const echo = new Echo();
    const told = (hit: Hit): void => {
      echo.remember(view, hit);
      emit(hit);
    };
    regions.lastIndex = from;
    for (let match = regions.exec(view); match; match = regions.exec(view)) {
      const name = match[1] ?? '';
      const close = view.indexOf(`${name}>`, match.index + match[0].length);
      const end = Math.min(close < 0 ? view.length : close, match.index + MAX_REGION);
      readRegion(view, match.index, end, told);
      regions.lastIndex = Math.max(end, regions.lastIndex);
    }
    readNarrative(view, from, echo, emit);
    return null;
  },
};

/** The patient's values again in the narrative of sections, which is what a reader sees. */
function readNarrative(view: string, from: number, echo: Echo, emit: (hit: Hit) => void): void {
  narrative.lastIndex = from;
  for (let match = narrative.exec(view); match; match = narrative.exec(view)) {
    const start = match.index + match[0].length;
    const close = view.indexOf(`</${match[1] ?? ''}${match[2] ?? ''}>`, start);
    const end = close < 0 ? view.length : close;
    echo.find(view, start, end, 'the narrative of a CDA document', emit);
    narrative.lastIndex = end;
  }
}

function readRegion(view: string, from: number, end: number, emit: (hit: Hit) => void): void {
  const stack: string[] = [];
  tag.lastIndex = from;
  for (let match = tag.exec(view); match && match.index < end; match = tag.exec(view)) {
    const [text, slash, name, attributes] = [match[0], match[1], match[2] ?? '', match[3] ?? ''];
    const behind = match.index + text.length;
    if (slash === '/') {
      const at = stack.lastIndexOf(name);
      if (at >= 0) stack.length = at;
      continue;
    }
    readElement(
      view,
      name,
      attributes,
      match.index + text.length - attributes.length - 1,
      behind,
      stack,
      emit,
    );
    if (!attributes.endsWith('/') && stack.length < 100) stack.push(name);
  }
}

const addressParts = new Set([
  'streetAddressLine',
  'city',
  'postalCode',
  'county',
  'houseNumber',
  'streetName',
]);

function readElement(
  view: string,
  name: string,
  attributes: string,
  attributesAt: number,
  textAt: number,
  stack: readonly string[],
  emit: (hit: Hit) => void,
): void {
  const organisation = stack.some((each) => /organi[sz]ation/i.test(each));
  if (organisation) return;
  const report = (start: number, end: number, rule: RuleId, kind: FieldKind | undefined): void => {
    while (start < end && view.charCodeAt(start) <= 32) start++;
    while (end > start && view.charCodeAt(end - 1) <= 32) end--;
    const value = view.slice(start, end);
    if (value.length < 1 || /[<>]/.test(value)) return;
    const verdict = kind === undefined ? undefined : judgeValue(kind, value);
    if (verdict?.kind === 'refuted') return;
    const hit = { rule, start, end, confidence: CONFIDENCE, place: 'the header of a CDA document' };
    const told = rule === 'phi/ssn' ? ssnReason(value) : undefined;
    const synthetic = verdict?.kind === 'synthetic' ? verdict.reason : told;
    emit(synthetic === undefined ? hit : { ...hit, synthetic });
  };
  const inText = (rule: RuleId, kind: FieldKind | undefined): void => {
    const stop = view.indexOf('<', textAt);
    if (stop > textAt && stop - textAt < 400) report(textAt, stop, rule, kind);
  };
  const inAttribute = (wanted: string, rule: RuleId, kind: FieldKind | undefined, prefix = 0): void => {
    const found = cutAttribute(attributes, wanted);
    if (found !== undefined)
      report(attributesAt + found.start + prefix, attributesAt + found.end, rule, kind);
  };
  if ((name === 'given' || name === 'family') && stack.includes('name')) inText('phi/name', undefined);
  else if (name === 'name') inText('phi/name', 'full-name');
  else if (addressParts.has(name)) inText('phi/address', undefined);
  else if (name === 'birthTime' || name === 'deceasedTime')
    inAttribute('value', 'phi/birth-date', 'birth-date');
  else if (name === 'telecom') {
    const value = cutAttribute(attributes, 'value');
    const text = value === undefined ? '' : attributes.slice(value.start, value.end);
    const scheme = /^(?:tel|fax|mailto|sms):(?:\/\/|\s{0,4})/i.exec(text)?.[0] ?? '';
    const lower = scheme.toLowerCase();
    if (lower.startsWith('mailto') || text.includes('@'))
      inAttribute('value', 'phi/email', 'email', scheme.length);
    else if (!/^https?:/i.test(text))
      inAttribute('value', lower.startsWith('fax') ? 'phi/fax' : 'phi/phone', 'phone', scheme.length);
  } else if (name === 'id') {
    const root = cutAttribute(attributes, 'root');
    const rule = idRule(root === undefined ? '' : attributes.slice(root.start, root.end));
    const extension = cutAttribute(attributes, 'extension');
    if (extension === undefined || attributes.slice(extension.start, extension.end).includes('@')) return;
    inAttribute('extension', rule, undefined);
  }
}

function cutAttribute(
  text: string,
  wanted: string,
): { readonly start: number; readonly end: number } | undefined {
  for (const match of text.matchAll(attribute)) {
    if (match[1] !== wanted) continue;
    const start = match.index + match[0].length;
    const end = text.indexOf(match[0].at(-1) ?? '"', start);
    return end < 0 ? undefined : { start, end };
  }
  return undefined;
}

/** What an `id` is, by the OID of who issued it. */
function idRule(root: string): RuleId {
  if (root === '2.16.840.1.113883.4.1') return 'phi/ssn';
  if (root === '2.16.840.1.113883.4.6') return 'phi/npi';
  if (/^2\.16\.840\.1\.113883\.4\.(?:572|927)$/.test(root)) return 'phi/mbi';
  return root.startsWith('2.16.840.1.113883.4.3.') ? 'phi/license' : 'phi/mrn';
}
