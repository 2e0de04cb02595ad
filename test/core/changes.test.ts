// How a change is written for a reader.
import { expect, test } from 'vitest';
import { changesCaps, type HeldFileChange, unifiedDiff } from '../../core/approval/changes.ts';
import type { HeldChanges } from '../../core/services.ts';

const file: HeldFileChange = {
  ref: 'refs/heads/main',
  path: 'src/a.ts',
  change: 'modify',
  oldMode: '100644',
  newMode: '100755',
  oldBytes: 20,
  newBytes: 22,
  binary: false,
  truncated: false,
  masked: 0,
  hunks: [
    {
      oldStart: 1,
      oldLines: 2,
      newStart: 1,
      newLines: 1,
      lines: [
        { kind: 'context', text: 'one' },
        { kind: 'remove', text: 'two' },
      ],
    },
  ],
};

test('a change reads as a unified diff', () => {
  expect(unifiedDiff(file)).toEqual([
    'diff --git a/src/a.ts b/src/a.ts',
    'old mode 100644',
    'new mode 100755',
    '--- a/src/a.ts',
    '+++ b/src/a.ts',
    '@@ -1,2 +1 @@',
    ' one',
    '-two',
  ]);
});

test('what is new, deleted, binary or cut says so', () => {
  const added = { ...file, change: 'add', oldMode: null, oldBytes: null } as const;
  expect(unifiedDiff(added)).toContain('new file mode 100755');
  expect(unifiedDiff(added)).toContain('--- /dev/null');
  const deleted = { ...file, change: 'delete', newMode: null, newBytes: null } as const;
  expect(unifiedDiff(deleted)).toContain('deleted file mode 100644');
  expect(unifiedDiff(deleted)).toContain('+++ /dev/null');
  const binary = { ...file, newMode: '100644', binary: true, hunks: [] };
  expect(unifiedDiff(binary)).toEqual(['diff --git a/src/a.ts b/src/a.ts', '(binary content is not shown)']);
  expect(unifiedDiff({ ...file, truncated: true }).at(-1)).toBe('(the rest is left out)');
});

test('a page has room for a line of the greatest length, and a cursor for an id', () => {
  const held: Pick<HeldChanges, 'changes'>['changes'] = async (_approval, after) =>
    after === null ? { kind: 'page', files: [file], total: 1, next: null } : { kind: 'gone' };
  expect(held.length).toBe(2);
  expect(changesCaps.pageLength).toBeGreaterThan(changesCaps.lineLength);
  expect(changesCaps.cursorLength).toBeGreaterThanOrEqual(64);
});
