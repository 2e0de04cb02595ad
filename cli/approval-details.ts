// What a held operation is made of, as rows for a terminal. Its form depends on the kind of the operation: what is known
// is told, the rest is for programs.
import { z } from 'zod';
import { plural } from '../core/duration.ts';

const counts = z.object({
  commits: z.int().optional(),
  objects: z.int().optional(),
  bytes: z.int().optional(),
});
const limits = z.object({ refLimits: z.array(z.string()) });
const findings = z.object({
  findings: z.array(z.object({ rule: z.string(), path: z.string(), line: z.int(), masked: z.string() })),
  findingCount: z.int(),
});

/** Rows of a label and a text: its size, what its credential is limited to, and what was found in it, masked. */
export function detailRows(details: unknown): readonly (readonly [string, string])[] {
  const { commits, objects, bytes } = counts.safeParse(details).data ?? {};
  const size = [
    ...(commits === undefined ? [] : [plural(commits, 'commit')]),
    ...(objects === undefined ? [] : [plural(objects, 'object')]),
    ...(bytes === undefined ? [] : [plural(bytes, 'byte')]),
  ];
  const { refLimits = [] } = limits.safeParse(details).data ?? {};
  const found = findings.safeParse(details).data;
  const more = found === undefined ? 0 : found.findingCount - found.findings.length;
  return [
    ...(size.length === 0 ? [] : [['size', size.join(', ')] as const]),
    ...(refLimits.length === 0 ? [] : [['limits', `only ${refLimits.join(', ')}`] as const]),
    ...(found?.findings ?? []).map(
      ({ rule, path, line, masked }) => ['finding', `${rule} ${path}:${line} ${masked}`] as const,
    ),
    ...(more > 0 ? [['', `and ${more} more`] as const] : []),
  ];
}
