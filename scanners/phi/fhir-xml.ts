// FHIR in XML: primitive values stand in `value` attributes. Read tag by tag; nothing is resolved, no entity expanded.
import type { Hit } from '../rule.ts';
import { type FhirNode, readFhirObject } from './fhir-person.ts';

const tag = /<(\/?)([A-Za-z][\w]{0,63})\b([^<>]{0,4000})>/g;
const value = /\bvalue\s{0,4}=\s{0,4}(["'])/;
const MAX_DEPTH = 64;

/** Walks FHIR XML from `from` and reports what its resources hold about persons. */
export function walkFhirXml(view: string, from: number, emit: (hit: Hit) => void): void {
  let top: FhirNode | undefined;
  let depth = 0;
  tag.lastIndex = from;
  for (let match = tag.exec(view); match; match = tag.exec(view)) {
    const [name, attributes] = [match[2] ?? '', match[3] ?? ''];
    if (match[1] === '/') {
      if (depth > 0 && depth <= MAX_DEPTH && top?.key === name) {
        readFhirObject(view, top, emit);
        top = top.parent;
      }
      depth = Math.max(0, depth - 1);
      continue;
    }
    const attribute = value.exec(attributes);
    if (attribute !== null && top !== undefined) {
      const start =
        match.index + match[0].length - 1 - attributes.length + attribute.index + attribute[0].length;
      const end = view.indexOf(attribute[1] ?? '"', start);
      if (end > start && end < match.index + match[0].length) top.strings.push({ key: name, start, end });
    }
    if (attributes.endsWith('/')) continue;
    depth++;
    if (depth > MAX_DEPTH) continue;
    const resourceType = /^[A-Z]/.test(name) ? name : '';
    top = { bracket: '{', key: name, parent: top, resourceType, typeCode: '', strings: [] };
  }
}
