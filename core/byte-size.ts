// Numbers of bytes as people write them: `4GiB`, `100 MB`, `65536`.

const bytesPer: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of `text`, rounded down, or undefined where it is not a number with a unit B, kB, KiB … TiB or none. */
export function parseByteSize(text: string): number | undefined {
  const [, count, unit] = /^([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgt]?i?b|)$/i.exec(text) ?? [];
  const factor = bytesPer[unit?.toLowerCase() ?? '?'];
  if (count === undefined || factor === undefined) return undefined;
  const bytes = Math.floor(Number(count) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `bytes` in the largest binary unit that keeps it at 1 or more, such as `1.5 GiB`. */
export function formatByteSize(bytes: number): string {
  for (const [unit, size] of [
    ['TiB', 2 ** 40],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${Math.round((bytes / size) * 10) / 10} ${unit}`;
  }
  return bytes === 1 ? '1 byte' : `${bytes} bytes`;
}
