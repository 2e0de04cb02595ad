// FHIR in Turtle (R4 and R5): `fhir:name ( [ fhir:family [ fhir:v "…" ] ] )`, `fhir:Patient.name [ … ]`. Read token by
// token into the same nodes as JSON and XML.
import type { FormatReader, Hit } from '../rule.ts';
import { type FhirNode, readFhirObject } from './fhir-person.ts';

const token =
  /a\s{1,8}fhir:([A-Z]\w{1,40})|fhir:(?:[A-Z]\w{0,40}\.)?([a-z]\w{0,40})|"((?:[^"\\\n]|\\.){0,2000})"|[[\].]/g;
const MAX_DEPTH = 64;

export const fhirTurtleReader: FormatReader = {
  name: 'fhir-turtle',
  stateful: false,
  anchors: ['prefix fhir:'],
  accepts: (_head, document, _persons, anchored) => anchored && document.kind === 'file' && !document.binary,
  read({ view, from }, emit) {
    walkTurtle(view, from, emit);
    return null;
  },
};

function walkTurtle(view: string, from: number, emit: (hit: Hit) => void): void {
  let top = node('', undefined);
  let depth = 0;
  let key = '';
  token.lastIndex = from;
  for (let match = token.exec(view); match !== null; match = token.exec(view)) {
    const [whole, type, property, text] = match;
    if (type !== undefined) top.resourceType ||= type;
    else if (property !== undefined) key = property;
    else if (text !== undefined) {
      // A value stands in brackets of its own: `fhir:family [ fhir:v "…" ]`.
      const owner = isValue(key) && top.parent !== undefined ? top.parent : top;
      owner.strings.push({
        key: isValue(key) ? top.key : key,
        start: match.index + 1,
        end: match.index + 1 + text.length,
      });
    } else if (whole === '[') {
      depth++;
      // Elements of a list share the key in front of it.
      if (depth <= MAX_DEPTH) top = node(isValue(key) || key === '' ? top.key : key, top);
    } else if (whole === ']') {
      if (depth <= MAX_DEPTH && top.parent !== undefined) {
        readFhirObject(view, top, emit);
        key = top.key;
        top = top.parent;
      }
      depth = Math.max(0, depth - 1);
    } else if (depth === 0) {
      readFhirObject(view, top, emit);
      top = node('', undefined);
      key = '';
    }
  }
  for (; top.parent !== undefined; top = top.parent) readFhirObject(view, top, emit);
  readFhirObject(view, top, emit);
}

function isValue(key: string): boolean {
  return key === 'v';
}

function node(key: string, parent: FhirNode | undefined): FhirNode {
  return { bracket: '{', key, parent, resourceType: '', typeCode: '', strings: [] };
}
