// The changes of a request as the API shows them; masked by the part that computes them.
import { z } from 'zod';
import type { HeldChangesPage, HeldFileChange } from '../../core/approval/changes.ts';

const mode = z.string().nullable().describe('Git file mode, octal; null where that side has no file');
const size = z.int().nullable().describe('bytes; null where that side has no file, or where it is not known');

const fileView = z.object({
  ref: z.string(),
  path: z.string(),
  change: z.enum(['add', 'modify', 'delete']),
  oldMode: mode,
  newMode: mode,
  oldBytes: size,
  newBytes: size,
  binary: z.boolean().describe('true where the content is no text; there are no hunks then'),
  truncated: z.boolean().describe('true where lines were left out for their size'),
  masked: z.int().describe('how many values in what is shown are masked'),
  hunks: z.array(
    z.object({
      oldStart: z.int(),
      oldLines: z.int(),
      newStart: z.int(),
      newLines: z.int(),
      lines: z.array(z.object({ kind: z.enum(['context', 'remove', 'add']), text: z.string() })),
    }),
  ),
});

export const changesView = z
  .object({
    files: z.array(fileView),
    total: z.int().nullable().describe('all changed paths; null where they were not counted'),
    next: z.string().nullable().describe('what to send as `after` to get the next page; null on the last'),
  })
  .meta({ id: 'ApprovalChanges' });
export type ChangesView = z.output<typeof changesView>;

/** A page as JSON. */
export function changesViewOf({ files, total, next }: HeldChangesPage): ChangesView {
  return { files: files.map(fileViewOf), total, next };
}

function fileViewOf(file: HeldFileChange): ChangesView['files'][number] {
  const { hunks, ...rest } = file;
  return {
    ...rest,
    hunks: hunks.map((hunk) => ({ ...hunk, lines: hunk.lines.map(({ kind, text }) => ({ kind, text })) })),
  };
}
