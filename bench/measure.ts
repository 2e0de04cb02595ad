// Measuring as ratios: both sides in one run, turn and turn about, medians with their spread.

export interface Sample {
  readonly values: readonly number[];
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One line of the result: a measure on the side that is compared with (`base`), and on ours. */
export interface Row {
  readonly measure: string;
  readonly unit: 's' | 'MB' | 'MB/s' | '1/s' | 'ms';
  /** Who `base` is, such as `direct`. */
  readonly baseName: string;
  /** Null where there is nothing to compare with. */
  readonly base: Sample | null;
  readonly ours: Sample;
  readonly note?: string;
}

/** Sorts values into a sample; there must be one at least. */
export function sampleOf(values: readonly number[]): Sample {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) throw new Error('nothing was measured');
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? low) + (sorted[Math.ceil(middle)] ?? low)) / 2;
  return { values, median, low, high };
}

/** `ours / base`, or null without a base. */
export function ratioOf({ base, ours }: Row): number | null {
  return base && base.median > 0 ? ours.median / base.median : null;
}

/**
 * Runs both sides `rounds` times, alternating who goes first so that neither profits from warm caches, and returns what
 * each returned. `warmUp` rounds before that are thrown away.
 */
export async function interleave(
  rounds: number,
  base: (round: number) => Promise<number>,
  ours: (round: number) => Promise<number>,
  warmUp = 1,
): Promise<{ readonly base: Sample; readonly ours: Sample }> {
  const [baseValues, oursValues]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds + warmUp; round += 1) {
    const oursFirst = round % 2 === 1;
    const first = await (oursFirst ? ours : base)(round);
    const second = await (oursFirst ? base : ours)(round);
    if (round < warmUp) continue;
    baseValues.push(oursFirst ? second : first);
    oursValues.push(oursFirst ? first : second);
  }
  return { base: sampleOf(baseValues), ours: sampleOf(oursValues) };
}

/** Seconds that `work` took. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Seconds of processor time that `work` took on all threads of this process; other processes do not lengthen them. */
export async function cpuSecondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}
