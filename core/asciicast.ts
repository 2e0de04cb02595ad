// Recordings of terminals in the asciicast format, version 2: a header as one line of JSON, then one line for each piece
// of output. Written from output whose values are hidden already; read from anywhere.
//
//   recording = header LF *( event LF )
//   header    = { "version": 2, "width": int, "height": int, "timestamp": seconds since 1970, … }
//   event     = [ seconds since the beginning, "o" / "i" / "m" / "r", text ]
import { z } from 'zod';

export interface CastHeader {
  readonly width: number;
  readonly height: number;
  /** When the recording began. */
  readonly startedAt: Date;
}

/** A piece of output, and when it came: seconds since the beginning. */
export interface CastOutput {
  readonly at: number;
  readonly text: string;
}

/** No line of a recording is longer. */
export const longestCastLine = 1_048_576;

/** The first line, without its end. */
export function castHeaderLine({ width, height, startedAt }: CastHeader): string {
  return JSON.stringify({ version: 2, width, height, timestamp: Math.floor(startedAt.getTime() / 1000) });
}

/** The line of one piece of output, without its end. A terminal goes to the next line only where it is told to return. */
export function castOutputLine({ at, text }: CastOutput): string {
  return JSON.stringify([Number(at.toFixed(6)), 'o', text.replaceAll(/\r?\n/g, '\r\n').toWellFormed()]);
}

const headerSchema = z.looseObject({
  version: z.literal(2),
  width: z.int().min(1).max(10_000),
  height: z.int().min(1).max(10_000),
  timestamp: z.int().nonnegative().optional(),
});
const eventSchema = z.tuple([z.number().nonnegative(), z.string(), z.string()]).rest(z.unknown());

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Reads the first line; undefined where it is that of no recording of version 2. */
export function readCastHeader(line: string): CastHeader | undefined {
  const header = headerSchema.safeParse(parse(line));
  if (!header.success) return undefined;
  const { width, height, timestamp = 0 } = header.data;
  return { width, height, startedAt: new Date(timestamp * 1000) };
}

/** Reads a line behind the first: output, `other` for what is none, undefined for what is no event. */
export function readCastEvent(line: string): CastOutput | 'other' | undefined {
  const event = eventSchema.safeParse(parse(line));
  if (!event.success) return undefined;
  const [at, kind, text] = event.data;
  return kind === 'o' ? { at, text } : 'other';
}

/** Text for a terminal that may show colours and nothing else: no other sequence of it is obeyed. */
export function tameTerminal(text: string): string {
  return text
    .replaceAll(/\x1b(?!\[[0-9;:]*m)(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|.?)/gs, '')
    .replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]/g, '');
}
