// `forgeguard policy explain FILE:LINE`: format, field, context, score and policy, and never the value.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { alphanumeric, glue, scrambled, ssn } from '../scanners/values.ts';
import { phiSample } from '../support/phi.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { forgeguard } from './program.ts';

test('tells what became of a line and what the policy makes of it', async () => {
  await using directory = await temporaryDirectory('explain');
  const text = `nothing here\nssn: ${ssn}\npassword = "${glue('correct', 'HorseBattery')}"\nssn: ${glue('078-05-', '1120')}\n`;
  await writeFile(join(directory.path, 'a.txt'), text);
  const explain = async (place: string, ...more: readonly string[]) => {
    const done = await forgeguard(directory.path, ['policy', 'explain', place, ...more]);
    expect(done.stdout).not.toContain(ssn);
    return done;
  };
  const nothing = await explain('a.txt:1');
  expect(nothing).toMatchObject({ code: 0 });
  expect(nothing.stdout).toContain('no pattern ran on it');
  expect(nothing.stdout).toContain('finding     none');
  const found = await explain('a.txt:2');
  expect(found.stdout).toMatch(/^words {7}.*"000-00-0000"/m);
  expect(found.stdout).toMatch(/^suspicion {3}phi\/ssn at byte 6, 11 long, .*score 0\.\d\d: reported$/m);
  expect(found.stdout).toMatch(/^finding {5}phi\/ssn, critical, \d+ % sure, fingerprint [0-9a-f]{32}$/m);
  expect(found.stdout).toContain('policy      default policy: deny by rule phi: ');
  expect((await explain('a.txt:4')).stdout).toContain('known synthetic');
  expect((await explain('a.txt:4')).stdout).toContain('no rule of it concerns this');
});

test('tells the field of a format', async () => {
  await using directory = await temporaryDirectory('explain');
  const { text } = phiSample('fhir');
  await writeFile(join(directory.path, 'p.json'), text);
  const line = text.split('\n').findIndex((each) => each.includes('birthDate')) + 1;
  const args = ['policy', 'explain', `p.json:${line}`, '--format', 'json'];
  const { stdout } = await forgeguard(directory.path, args);
  const suspicions: unknown = expect.arrayContaining([
    expect.objectContaining({ rule: 'phi/birth-date', outcome: { kind: 'reported' } }),
  ]);
  const readers: unknown = expect.arrayContaining(['fhir']);
  expect(JSON.parse(stdout)).toMatchObject({ line, clinical: true, readers, suspicions });
});

test('tells the exception that excuses a finding, and dropped guesses', async () => {
  await using directory = await temporaryDirectory('explain');
  await writeFile(join(directory.path, 'a.txt'), `ssn: ${ssn}\napi_key = "${scrambled(32, alphanumeric)}"\n`);
  await writeFile(
    join(directory.path, 'policy.yaml'),
    `version: 1\nrules:\n  - id: phi\n    when: { findings: { category: phi } }\n    then: deny\n` +
      `exceptions:\n  - id: known\n    path: a.txt\n    reason: r\n    owner: o\n    expires: 2090-01-01\n`,
  );
  const args = ['policy', 'explain', 'a.txt:1', '--policy', 'policy.yaml'];
  const { stdout } = await forgeguard(directory.path, args);
  expect(stdout).toContain('policy      policy.yaml: excused by the exception known');
});

test('says where there is no such place', async () => {
  await using directory = await temporaryDirectory('explain');
  await writeFile(join(directory.path, 'a.txt'), 'one\n');
  for (const place of ['a.txt:3', 'b.txt:1', 'a.txt:0'])
    expect((await forgeguard(directory.path, ['policy', 'explain', place])).code, place).toBe(2);
});
