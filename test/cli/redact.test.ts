// `forgeguard redact` as a user runs it.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { glue, ssn } from '../scanners/values.ts';
import { run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { forgeguard, program } from './program.ts';

const hidden = ssn.replaceAll(/\S/g, '*');

test('hides values of a file and of standard input', async () => {
  await using directory = await temporaryDirectory('redact');
  const text = `one\nssn: ${ssn}\r\nlast without an end`;
  await writeFile(join(directory.path, 'a.txt'), text);
  const file = await forgeguard(directory.path, ['redact', '--summary', 'a.txt']);
  expect(file).toMatchObject({ code: 0, stdout: text.replace(ssn, hidden) });
  expect(file.stderr).toBe('forgeguard: hid 1 value of phi/ssn\n');
  const env = { PATH: process.env['PATH'] ?? '' };
  const input = await run(process.execPath, [program, 'redact'], { input: text, env, cwd: directory.path });
  expect(input).toMatchObject({ code: 0, stdout: text.replace(ssn, hidden), stderr: '' });
  const table = `name,dob,ssn\nJane Roe,${glue('1962-', '03-14')},${ssn}\n`;
  const args = [program, 'redact', '--path', 'x.csv'];
  const csv = await run(process.execPath, args, { input: table, env, cwd: directory.path });
  expect(csv.stdout).toBe(`name,dob,ssn\n**** ***,**********,${hidden}\n`);
});

test('says what keeps it from redacting', async () => {
  await using directory = await temporaryDirectory('redact');
  const missing = await forgeguard(directory.path, ['redact', 'nowhere']);
  expect(missing).toMatchObject({ code: 2, stdout: '' });
  expect(missing.stderr).toContain("couldn't redact nowhere (ENOENT)");
  expect(await forgeguard(directory.path, ['redact', '--confidence', 'high'])).toMatchObject({ code: 2 });
});

test('passes lines on while the writer pauses', async () => {
  const child = spawn(process.execPath, [program, 'redact'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write(`ssn: ${ssn}\nhalf`);
  const first = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  );
  expect(first).toBe(`ssn: ${hidden}\n`);
  child.stdin.end(' a line\n');
  const rest: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => rest.push(chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([Buffer.concat(rest).toString(), code]).toEqual(['half a line\n', 0]);
});
