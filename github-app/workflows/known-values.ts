// The values that were found in a log, as long as its redacted copy is made, so that they are hidden wherever they stand
// again. They are held in memory only and go nowhere.
import { setImmediate as breathe } from 'node:timers/promises';
import type { Finding } from '../../scanners/finding.ts';

export interface KnownValues {
  /** The lines with every known value in them hidden; each keeps its length. */
  hideIn(lines: readonly string[]): Promise<readonly string[]>;
}

/** Shorter ones stand in ordinary words, too. */
const shortest = 5;
const mostValues = 1_000;
/** Longer values, such as keys, are known by their lines. */
const longest = 8_192;

/** Reads the values out of the bytes in which they were found. */
export async function readValues(
  source: AsyncIterable<Uint8Array>,
  findings: readonly Finding[],
): Promise<KnownValues> {
  const wanted = findings
    .map(({ byteStart, byteEnd }) => ({ start: byteStart, end: Math.min(byteEnd, byteStart + longest) }))
    .toSorted((left, right) => left.start - right.start);
  const texts = new Set<string>();
  let open: { readonly start: number; readonly end: number; readonly bytes: Uint8Array[] }[] = [];
  let [next, offset] = [0, 0];
  for await (const chunk of source) {
    const past = offset + chunk.length;
    for (let one = wanted[next]; one !== undefined && one.start < past; one = wanted[(next += 1)])
      open.push({ ...one, bytes: [] });
    for (const { start, end, bytes } of open)
      bytes.push(chunk.slice(Math.max(0, start - offset), Math.max(0, end - offset)));
    for (const { end, bytes } of open) if (end <= past) addTo(texts, Buffer.concat(bytes).toString('utf8'));
    open = open.filter(({ end }) => end > past);
    offset = past;
  }
  return knownValues([...texts]);
}

function addTo(texts: Set<string>, value: string): void {
  for (const line of value.split('\n')) {
    const text = line.trim();
    if (text.length >= shortest && !/^[*\-=_.#]+$/.test(text) && texts.size < mostValues) texts.add(text);
  }
}

/** Hides these texts. */
function knownValues(texts: readonly string[]): KnownValues {
  const values = texts.toSorted((left, right) => right.length - left.length);
  return {
    hideIn: async (lines) => {
      const all = lines.join('\n');
      const present: string[] = [];
      for (const [index, value] of values.entries()) {
        if (all.includes(value)) present.push(value);
        if (index % 100 === 99) await breathe();
      }
      if (present.length === 0) return lines;
      return lines.map((line) =>
        present.reduce((shown, value) => shown.replaceAll(value, '*'.repeat(value.length)), line),
      );
    },
  };
}
