// Decides whether fields that stand together make a person's record, and how sure that is. One field proves little;
// a name beside a birth date and a member number proves much (Safe Harbor is about combinations).
import type { Hit } from '../rule.ts';
import { type FieldKind, fieldKinds } from './fields.ts';
import { judgeValue } from './values.ts';

export interface RecordField {
  readonly kind: FieldKind;
  /** Offsets of the value in the view, without quotes. */
  readonly start: number;
  readonly end: number;
}

export interface JudgedField extends RecordField {
  readonly synthetic: string | undefined;
}

/** Keeps the fields whose values fit their kind, each without surrounding blanks. */
export function judgeFields(view: string, fields: readonly RecordField[]): readonly JudgedField[] {
  return fields.flatMap((field) => {
    const trimmed = trim(view, field);
    const verdict = judgeValue(field.kind, view.slice(trimmed.start, trimmed.end));
    if (verdict.kind === 'refuted') return [];
    return { ...trimmed, synthetic: verdict.kind === 'synthetic' ? verdict.reason : undefined };
  });
}

function trim(view: string, field: RecordField): RecordField {
  let { start, end } = field;
  while (start < end && view.charCodeAt(start) <= 32) start++;
  while (end > start && view.charCodeAt(end - 1) <= 32) end--;
  return { kind: field.kind, start, end };
}

/**
 * How sure it is that fields of these kinds describe a person's care, 0 where they do not. `patients` is true where
 * the table or object is named after patients or insured persons.
 */
export function recordConfidence(kinds: ReadonlySet<FieldKind>, patients: boolean): number {
  const roles = { name: 0, anchor: 0, contact: 0, place: 0, account: 0, evidence: 0, weak: 0 };
  for (const kind of kinds) roles[fieldKinds[kind].role]++;
  const hasName = roles.name > 0 || (kinds.has('bare-name') && roles.anchor > 0);
  const groups =
    Number(hasName) +
    roles.anchor +
    Number(roles.contact > 0) +
    Number(roles.place > 0) +
    Number(roles.account > 0) +
    Number(roles.evidence > 0);
  const health = roles.anchor > 0 || roles.evidence > 0 || patients;
  if (hasName && health && groups + Number(patients) >= 3) return 0.93;
  if (roles.anchor >= 2 && groups >= 3) return 0.88;
  if (hasName && roles.anchor > 0) return patients ? 0.9 : roles.name >= 2 ? 0.86 : 0.75;
  if (hasName && roles.name >= 2 && groups >= 3) return 0.6;
  if (roles.anchor > 0 && groups >= 3) return 0.75;
  return 0;
}

/** Hits of a record's fields. A placeholder person's birth date is as invented as the name. */
export function recordHits(
  fields: readonly JudgedField[],
  confidence: number,
  place: string,
): readonly Hit[] {
  const names = fields.filter(
    (field) => fieldKinds[field.kind].role === 'name' || field.kind === 'bare-name',
  );
  const nobody = names.some((field) => field.synthetic !== undefined);
  return fields.flatMap((field) => {
    const rule = fieldKinds[field.kind].rule;
    if (rule === undefined) return [];
    const personal =
      rule === 'phi/name' || rule === 'phi/birth-date' || rule === 'phi/date' || rule === 'phi/address';
    const synthetic =
      field.synthetic ?? (nobody && personal ? 'it belongs to a placeholder person' : undefined);
    const hit = { rule, start: field.start, end: field.end, confidence, place };
    return synthetic === undefined ? hit : { ...hit, synthetic };
  });
}
