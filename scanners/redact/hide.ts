// Puts asterisks over values. Every byte of a value but white space becomes one, so that lines, columns and offsets stay
// as they were; in UTF-16 every code unit.
import type { Encoding } from '../decode.ts';
import type { Span } from './judge-segment.ts';

const asterisk = 0x2a;

/** A copy of `bytes` with the spans hidden but for what is `kept`, or undefined where they hide nothing that is not hidden already. */
export function hideSpans(
  bytes: Uint8Array,
  spans: readonly Span[],
  encoding: Encoding,
  kept: (at: number) => boolean,
): Uint8Array | undefined {
  let copy: Uint8Array | undefined;
  const width = encoding === 'utf-8' ? 1 : 2;
  const low = encoding === 'utf-16be' ? 1 : 0;
  for (const { start, end } of spans)
    for (let at = start; at + width <= Math.min(end, bytes.length); at += width) {
      const unit =
        width === 1 ? (bytes[at] ?? 0) : (bytes[at + low] ?? 0) | ((bytes[at + 1 - low] ?? 0) << 8);
      if (unit === asterisk || isSpace(unit) || kept(at)) continue;
      copy ??= Uint8Array.from(bytes);
      copy[at + low] = asterisk;
      if (width === 2) copy[at + 1 - low] = 0;
    }
  return copy;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}
