// FHIR JSON, NDJSON and XML: Patient, RelatedPerson, Person, Coverage and references to patients. A tolerant walk over
// the text that knows the path of every string; cut or malformed text only loses what cannot be placed.
import type { FormatReader, Hit } from '../rule.ts';
import { Echo } from './echo.ts';
import { type FhirLeaf, type FhirNode, readFhirObject } from './fhir-person.ts';
import { walkFhirXml } from './fhir-xml.ts';
import { isSyntheaName } from './synthetic.ts';

const MAX_DEPTH = 64;
const token = /[{}[\]]|"(?:[^"\\\n]|\\.){0,100000}"(\s{0,8}:)?/g;

export const fhirReader: FormatReader = {
  name: 'fhir',
  stateful: false,
  accepts: (head, document, personKeys) =>
    document.kind === 'file' &&
    !document.binary &&
    personKeys > 0 &&
    (/"resourceType"|http:\/\/hl7\.org\/fhir/.test(head) ||
      /^(?:json|ndjson|jsonl|fhir)$/.test(document.extension)),
  read({ view, from }, emit) {
    const hits: Hit[] = [];
    const xml = /^[^{[]{0,200}</.test(view.slice(from, from + 400));
    (xml ? walkFhirXml : walk)(view, from, (hit) => void hits.push(hit));
    if (hits.length > 0) readNarrative(view, from, hits);
    for (const hit of explainSynthea(view, hits)) emit(hit);
    return null;
  },
};

const narrative = /<div\b[^>]{0,200}>/g;

/** The persons' values again in the narrative of resources. Adds to `hits`. */
function readNarrative(view: string, from: number, hits: Hit[]): void {
  const echo = new Echo();
  for (const hit of hits) echo.remember(view, hit);
  narrative.lastIndex = from;
  for (let match = narrative.exec(view); match; match = narrative.exec(view)) {
    const close = view.indexOf('</div>', match.index);
    const end = close < 0 ? view.length : close;
    echo.find(
      view,
      match.index + match[0].length,
      end,
      'the narrative of FHIR',
      (hit) => void hits.push(hit),
    );
    narrative.lastIndex = end;
  }
}

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
  let top: FhirNode | undefined;
  let depth = 0;
  let key = '';
  const pending: FhirLeaf[] = [];
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
          typeCode: '',
          strings: pending.splice(0),
        };
      key = '';
    } else if (text === '}' || text === ']') {
      if (depth <= MAX_DEPTH && top !== undefined) {
        if (top.bracket === '{') readFhirObject(view, top, emit);
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
