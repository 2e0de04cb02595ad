// What is counted of what somebody did, in one repository or in all.

export const countNames = [
  'entries',
  'pushes',
  'held',
  'forwarded',
  'refused',
  'unknown',
  'fetches',
  'findings',
  'bypasses',
] as const;
export type CountName = (typeof countNames)[number];
export type Counts = Readonly<Record<CountName, number>>;

export const noCounts: Counts = {
  entries: 0,
  pushes: 0,
  held: 0,
  forwarded: 0,
  refused: 0,
  unknown: 0,
  fetches: 0,
  findings: 0,
  bypasses: 0,
};

/** The sum, member by member. */
export function addCounts(left: Counts, right: Partial<Counts>): Counts {
  const sums = countNames.map((name) => [name, left[name] + (right[name] ?? 0)] as const);
  return { ...noCounts, ...Object.fromEntries(sums) };
}
