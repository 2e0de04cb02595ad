// The figures of a comparison of what was found with what is there.

export interface Ratio {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** `a / b`, or NaN where there is nothing to divide by. */
export function share(a: number, b: number): number {
  return b === 0 ? Number.NaN : a / b;
}

/** Precision and recall with their harmonic mean; what cannot be told counts as 0 in the mean. */
export function ratio(precision: number, recall: number): Ratio {
  const p = Number.isNaN(precision) ? 0 : precision;
  const r = Number.isNaN(recall) ? 0 : recall;
  return { precision, recall, f1: p + r === 0 ? 0 : (2 * p * r) / (p + r) };
}
