// US Social Security numbers: which nine digits can have been issued, and which are published examples.

export type SsnVerdict =
  | { readonly kind: 'impossible' }
  | { readonly kind: 'itin' }
  | { readonly kind: 'possible' }
  | { readonly kind: 'synthetic'; readonly reason: string };

/** Numbers that the SSA or advertisers published, and the one every example uses. */
const published: ReadonlyMap<string, string> = new Map([
  ['078051120', 'a number that the SSA published as an example'],
  ['219099999', 'a number that the SSA published as an example'],
  ['457555462', 'a number that was published in advertising'],
  ['123456789', 'the digits in counting order'],
  ['987654321', 'the digits in falling order'],
  ['111223333', 'a pattern of repeated digits'],
  ['123121234', 'a pattern of counted digits'],
  ['123456780', 'the digits in counting order'],
]);

/** Judges nine digits. Synthea gives every person an impossible number with area 999. */
export function judgeSsn(digits: string): SsnVerdict {
  if (!/^\d{9}$/.test(digits)) return { kind: 'impossible' };
  const known = published.get(digits);
  if (known !== undefined) return { kind: 'synthetic', reason: known };
  if (/^([1-9])\1{8}$/.test(digits)) return { kind: 'synthetic', reason: 'one digit repeated' };
  if (/^98765432\d$/.test(digits)) return { kind: 'synthetic', reason: 'a range kept for advertising' };
  const area = Number(digits.slice(0, 3));
  const group = Number(digits.slice(3, 5));
  const serial = Number(digits.slice(5));
  if (area === 999)
    return { kind: 'synthetic', reason: 'area 999, which Synthea uses and the SSA never issued' };
  if (area === 0 || area === 666 || group === 0 || serial === 0) return { kind: 'impossible' };
  if (area >= 900) return isItinGroup(group) ? { kind: 'itin' } : { kind: 'impossible' };
  return { kind: 'possible' };
}

/** Why the text of a field that must hold an SSN holds no real one; undefined where it may. */
export function ssnReason(text: string): string | undefined {
  const verdict = judgeSsn(text.replaceAll(/\D/g, ''));
  if (verdict.kind === 'synthetic') return verdict.reason;
  return verdict.kind === 'impossible' ? 'a number that cannot have been issued' : undefined;
}

function isItinGroup(group: number): boolean {
  return (
    (group >= 50 && group <= 65) ||
    (group >= 70 && group <= 88) ||
    (group >= 90 && group <= 92) ||
    (group >= 94 && group <= 99)
  );
}
