// Half-open intervals of bytes and what they have in common.

export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Bytes of an interval. */
export function size({ start, end }: Interval): number {
  return end - start;
}

/** Bytes that two intervals share. */
export function shared(a: Interval, b: Interval): number {
  return Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start));
}

/** Shared bytes over all bytes of both, 0 to 1. */
export function overlap(a: Interval, b: Interval): number {
  const common = shared(a, b);
  return common === 0 ? 0 : common / (size(a) + size(b) - common);
}

/** The same bytes as disjoint intervals in order; neighbours that touch become one. */
export function joined(intervals: readonly Interval[]): readonly Interval[] {
  const result: Interval[] = [];
  for (const interval of [...intervals].sort(byPlace)) {
    const last = result.at(-1);
    if (last === undefined || interval.start > last.end) result.push(interval);
    else result[result.length - 1] = { start: last.start, end: Math.max(last.end, interval.end) };
  }
  return result;
}

/** Bytes of `interval` inside `disjoint`, which is in order. */
export function covered(interval: Interval, disjoint: readonly Interval[]): number {
  let total = 0;
  for (let at = firstEndingBehind(disjoint, interval.start); at < disjoint.length; at++) {
    const other = disjoint[at];
    if (other === undefined || other.start >= interval.end) break;
    total += shared(interval, other);
  }
  return total;
}

export function byPlace(a: Interval, b: Interval): number {
  return a.start - b.start || a.end - b.end;
}

function firstEndingBehind(disjoint: readonly Interval[], offset: number): number {
  let low = 0;
  let high = disjoint.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((disjoint[middle]?.end ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
