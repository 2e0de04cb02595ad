// `forgeguard scan` as a user runs it: exit codes, JSON, what is read and what is left out.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { ssn } from '../scanners/values.ts';
import { forgeguard } from './program.ts';

describe('forgeguard scan', () => {
  test('says 0 for clean files, 1 for findings, 2 where it cannot scan', async () => {
    await using directory = await temporaryDirectory('scan');
    await writeFile(join(directory.path, 'clean.txt'), 'nothing\n');
    await writeFile(join(directory.path, 'found.txt'), `ssn: ${ssn}\n`);
    expect(await forgeguard(directory.path, ['scan', 'clean.txt'])).toMatchObject({ code: 0 });
    const found = await forgeguard(directory.path, ['scan']);
    expect(found).toMatchObject({ code: 1 });
    expect(found.stdout).toContain('found.txt:1:6: critical phi/ssn');
    expect(found.stdout).not.toContain(ssn);
    const missing = await forgeguard(directory.path, ['scan', 'nowhere']);
    expect(missing).toMatchObject({ code: 2 });
    expect(missing.stderr).toBe("forgeguard: couldn't scan nowhere (ENOENT)\n");
    expect(await forgeguard(directory.path, ['scan', '--staged', '--stdin'])).toMatchObject({ code: 2 });
  });

  test('prints one JSON object', async () => {
    await using directory = await temporaryDirectory('scan');
    await mkdir(join(directory.path, 'deep'));
    await writeFile(join(directory.path, 'deep', 'é.txt'), `x\nÄ ssn: ${ssn}\n`);
    const { stdout } = await forgeguard(directory.path, ['scan', '--format', 'json', 'deep']);
    const anyText: unknown = expect.any(String);
    const digest: unknown = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(JSON.parse(stdout)).toEqual({
      version: anyText,
      files: 1,
      bytes: 22,
      findings: [
        {
          rule: 'phi/ssn',
          category: 'phi',
          identifier: 'ssn',
          severity: 'critical',
          confidence: 0.97,
          path: 'deep/é.txt',
          line: 2,
          column: 8,
          endLine: 2,
          endColumn: 19,
          byteStart: 10,
          byteEnd: 21,
          masked: '***-**-****',
          fingerprint: digest,
          message: anyText,
        },
      ],
    });
  });

  test('asks a policy whether to refuse', async () => {
    await using directory = await temporaryDirectory('scan');
    await writeFile(join(directory.path, 'a.txt'), `ssn: ${ssn}\n`);
    const policy = (then: string) =>
      `version: 1\nrules:\n  - id: phi\n    when: { findings: { category: phi } }\n    then: ${then}\n`;
    await writeFile(join(directory.path, 'deny.yaml'), policy('deny'));
    await writeFile(join(directory.path, 'allow.yaml'), policy('allow'));
    expect(await forgeguard(directory.path, ['scan', '--policy', 'deny.yaml', 'a.txt'])).toMatchObject({
      code: 1,
    });
    expect(await forgeguard(directory.path, ['scan', '--policy', 'allow.yaml', 'a.txt'])).toMatchObject({
      code: 0,
    });
  });
});
