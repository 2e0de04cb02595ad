// Spans of time as people write them: `90s`, `30m`, `24h`, `7d`, `2w`.

const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds of `text`, or undefined where it is not a whole number with one of the units s, m, h, d, w. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^([0-9]{1,9}) ?([smhdw])$/.exec(text) ?? [];
  const factor = secondsPer[unit ?? ''];
  return count === undefined || factor === undefined ? undefined : Number(count) * factor;
}

/** `seconds` in the largest unit that divides them, such as `24 hours`. */
export function formatDuration(seconds: number): string {
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const) {
    const count = seconds / size;
    if (Number.isInteger(count) && count > 0 && (unit !== 'day' || count > 1)) return plural(count, unit);
  }
  return plural(seconds, 'second');
}

/** `1 hour`, `2 hours`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
