// Building blocks of the schemas of policy and configuration, so that both are strict in the same way.
import { z } from 'zod';
import { parseByteSize } from './byte-size.ts';
import { parseDuration } from './duration.ts';
import { compileGlobs, GlobError } from './glob.ts';

/** A mapping that refuses unknown keys. The issue's message lists the known keys, from which the reader suggests. */
export function closed<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined),
  });
}

/** A value or a list of them; always a list afterwards. `noun` names the value in messages. */
export function oneOrMany<Item extends z.ZodType>(item: Item, noun: string) {
  return z
    .union([z.array(item).min(1), item], {
      // A text of digits alone is a number to YAML.
      error: ({ input }) =>
        `expected ${noun} or a list of them${typeof input === 'number' ? '; put it in quotes' : ''}`,
    })
    .transform((value): readonly z.output<Item>[] => (Array.isArray(value) ? value : [value]));
}

/** A pattern that `compileGlobs` can read. */
export const glob = z.string().superRefine((pattern, context) => {
  try {
    compileGlobs([pattern]);
  } catch (error) {
    if (!(error instanceof GlobError)) throw error;
    context.addIssue({ code: 'custom', message: error.message, continue: false });
  }
});

/** Seconds, written as `30m` or `24h`, within bounds that the message names. */
export function duration(bounds: { readonly least: string; readonly most: string }) {
  const least = parseDuration(bounds.least) ?? 0;
  const most = parseDuration(bounds.most) ?? 0;
  return z
    .union([z.string(), z.never()], { error: 'expected a time span such as 30m, 24h or 7d' })
    .transform((text, context) => {
      const seconds = parseDuration(text);
      if (seconds !== undefined && seconds >= least && seconds <= most) return seconds;
      const message =
        seconds === undefined
          ? 'expected a time span such as 30m, 24h or 7d'
          : `must be between ${bounds.least} and ${bounds.most}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });
}

/** Bytes, written as a whole number or as a text with a unit such as `2GiB`. */
export const byteSize = z
  .union([z.int().min(0), z.string()], { error: 'expected a number of bytes such as 1048576 or 2GiB' })
  .transform((value, context) => {
    const bytes = typeof value === 'number' ? value : parseByteSize(value);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: 'custom', message: 'expected a number of bytes such as 1048576 or 2GiB' });
    return z.NEVER;
  });
