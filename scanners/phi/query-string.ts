// Records in the query of a URL: `?last_name=…&dob=…&mrn=…`, in logs, links and bodies of forms. Values are judged as
// they read once decoded, and reported as they stand.
import { readText } from '../decode.ts';
import type { FormatReader, Hit } from '../rule.ts';
import { type FieldKind, fieldKind, namesPatients } from './fields.ts';
import { recordConfidence, recordHits, type JudgedField } from './record.ts';
import { judgeValue } from './values.ts';

const MAX_QUERY = 4_000;
/** A pair behind an ampersand. */
const second = /&(?:amp;)?[\w.%[\]-]{1,48}=/y;
/** What a query is not made of. */
const edge = /[\s"'<>#?]/;
const pair = /([\w.%[\]-]{1,48})=([^&]{0,160})/g;

export const queryStringReader: FormatReader = {
  name: 'query-string',
  stateful: false,
  local: true,
  accepts: (_head, document, persons) => persons > 0 && document.kind !== 'names' && !document.binary,
  read({ view }, emit) {
    /** Nothing in front of this is read again. */
    let floor = 0;
    for (let at = view.indexOf('&'); at >= 0; at = view.indexOf('&', at + 1)) {
      second.lastIndex = at;
      if (!second.test(view)) continue;
      let start = at;
      while (start > floor && at - start < MAX_QUERY && !edge.test(view.charAt(start - 1))) start--;
      let end = second.lastIndex;
      while (end < view.length && end - at < MAX_QUERY && !edge.test(view.charAt(end))) end++;
      readQuery(view.slice(start, end), start, view.slice(Math.max(0, start - 80), start), emit);
      floor = end;
      at = end - 1;
    }
    return null;
  },
};

/** Reads the pairs of a query; `before` is what stands in front of it, such as `/patients?`. */
function readQuery(text: string, at: number, before: string, emit: (hit: Hit) => void): void {
  const fields: JudgedField[] = [];
  const names: string[] = [];
  for (const { index, 0: whole, 1: key = '', 2: value = '' } of text.matchAll(pair)) {
    const name = readText(decoded(key), 0, 48)
      .replaceAll(/[[\]]+/g, '_')
      .replace(/_$/, '');
    names.push(name);
    const kind = kindOf(name);
    if (kind === undefined) continue;
    const verdict = judgeValue(kind, decoded(value));
    if (verdict.kind === 'refuted') continue;
    const end = at + index + whole.length;
    const synthetic = verdict.kind === 'synthetic' ? verdict.reason : undefined;
    fields.push({ kind, start: end - value.length, end, synthetic });
  }
  if (fields.length < 2) return;
  const patients = names.some(namesPatients) || namesPatients(/[\w./-]{0,80}.?$/.exec(before)?.[0] ?? '');
  const confidence = recordConfidence(new Set(fields.map(({ kind }) => kind)), patients);
  if (confidence === 0) return;
  recordHits(fields, confidence, 'the query of a URL').forEach(emit);
}

/** `patient[first_name]` and `filter.dob` name their fields in their last part. */
function kindOf(name: string): FieldKind | undefined {
  return fieldKind(name) ?? fieldKind(name.slice(Math.max(name.lastIndexOf('.'), name.indexOf('_')) + 1));
}

/** Percent-decoded text of a form, as bytes of a view. */
function decoded(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replaceAll(/%([\da-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
