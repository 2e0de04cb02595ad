// docs/errors.md against the table of errors, both ways.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { asGuardError, errorTable, GuardError } from '../../core/errors.ts';

test('docs/errors.md has every code with its status and remedy, and no others', async () => {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z/-]+)` +\| (\d{3}) +\| (.*?) +\|$/gm)].map(
    ([, code = '', status, remedy]) => [code, { status: Number(status), remedy }] as const,
  );
  expect(new Set(rows.map(([code]) => code)).size).toBe(rows.length);
  expect(Object.fromEntries(rows)).toEqual(errorTable);
});

test('every remedy is a sentence', () => {
  for (const { remedy } of Object.values(errorTable)) expect(remedy).toMatch(/^[A-Z`].*[^ ]$/);
});

test('what is thrown is kept where it is ours, and wrapped where it is not', () => {
  const ours = new GuardError('git/busy', 'too many pushes');
  expect(asGuardError(ours, 'internal', 'x')).toBe(ours);
  const cause = new Error('y');
  expect(asGuardError(cause, 'scan/failed', "couldn't scan")).toMatchObject({
    code: 'scan/failed',
    status: 500,
    message: "couldn't scan",
    cause,
  });
});
