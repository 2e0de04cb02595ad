// Labels in prose: `Patient name: …`, `DOB: …`, `MRN …`. A label is up to four words in front of a colon; labels that
// stand close together are one record. Also reads messages, where people paste what they look at.
import type { DocumentContext, FormatReader, Hit } from '../rule.ts';
import { fieldKinds } from './fields.ts';
import { labelledValues } from './labelled-value.ts';
import { judgeFields, recordConfidence, type RecordField, recordHits } from './record.ts';

const MAX_LINE = 2_000;
/** Labels further apart than this belong to different records. */
const MAX_GAP = 800;
const structured =
  /^(?:jsonl?|ndjson|ya?ml|csv|tsv|psv|sql|ipynb|xml|toml|ini|properties|lock|svg|map|po|pot|arb|xlf|strings|hl7)$/;

export const clinicalNoteReader: FormatReader = {
  name: 'clinical-note',
  stateful: false,
  local: true,
  accepts: (_head, document, persons) => persons > 0 && isProse(document),
  read({ view, from }, emit) {
    let record: RecordField[] = [];
    let patients = false;
    const settle = (): void => {
      report(view, record, patients, emit);
      record = [];
      patients = false;
    };
    for (let at = from; at < view.length;) {
      const newline = view.indexOf('\n', at);
      const end = newline < 0 ? view.length : newline;
      const text = view.slice(at, Math.min(end, at + MAX_LINE));
      for (const value of labelledValues(text)) {
        const last = record.at(-1);
        if (last !== undefined && at + value.start - last.end > MAX_GAP) settle();
        // The same label again is the next person.
        if (record.filter((field) => field.kind === value.kind).length >= 3) settle();
        patients ||= value.patients;
        record.push({ kind: value.kind, start: at + value.start, end: at + value.end });
      }
      at = end + 1;
    }
    settle();
    return null;
  },
};

function isProse(document: DocumentContext): boolean {
  if (document.kind === 'message') return true;
  return (
    document.kind === 'file' && !document.binary && !document.source && !structured.test(document.extension)
  );
}

function report(
  view: string,
  record: readonly RecordField[],
  patients: boolean,
  emit: (hit: Hit) => void,
): void {
  const judged = judgeFields(view, record);
  const kinds = new Set(judged.map((field) => field.kind));
  const strong = [...kinds].filter((kind) => fieldKinds[kind].role !== 'evidence');
  if (strong.length < 2) return;
  const confidence = recordConfidence(kinds, patients);
  if (confidence > 0) recordHits(judged, confidence, 'labelled prose').forEach(emit);
}
