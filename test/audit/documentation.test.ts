// docs/audit-log.md says of every action when it is recorded, and names no others.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { auditActions } from '../../core/audit-event.ts';

test('has a row for every action', async () => {
  const text = await readFile(new URL('../../docs/audit-log.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split('## What is recorded');
  const found = (section.split('## ')[0] ?? '').matchAll(/^\| `([a-z.-]+)` +\| +\S/gm);
  const rows: readonly string[] = [...found].map((row) => row[1] ?? '');
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.toSorted()).toEqual([...auditActions].toSorted());
});
