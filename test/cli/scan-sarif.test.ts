// The SARIF that `forgeguard scan` prints is valid by the official schema and says where to look.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toSarif } from '../../core/sarif.ts';
import { catalog } from '../../scanners/catalog.ts';
import { identifiers, severities } from '../../scanners/finding.ts';
import { ssn } from '../scanners/values.ts';
import { zipOf } from '../support/archives.ts';
import { phiFormats, phiSample } from '../support/phi.ts';
import { sarifProblems } from '../support/sarif/schema.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { forgeguard } from './program.ts';

test('is valid for findings of every format, in archives, and for what cannot be read', async () => {
  await using directory = await temporaryDirectory('sarif');
  await mkdir(join(directory.path, 'data'));
  for (const { path, text } of phiFormats.map((format) => phiSample(format)))
    await writeFile(join(directory.path, 'data', path.replaceAll('/', '-')), text);
  await writeFile(join(directory.path, 'a b.txt'), `ssn: ${ssn}\n`);
  await writeFile(join(directory.path, 'x.zip'), zipOf({ 'inner.csv': `name,ssn\nx,${ssn}\n` }));
  await symlink('self', join(directory.path, 'self'));
  const args = ['scan', '--format', 'sarif', 'data', 'a b.txt', 'x.zip', 'self'];
  const { stdout, code } = await forgeguard(directory.path, args);
  const log: unknown = JSON.parse(stdout);
  expect(sarifProblems(log)).toEqual([]);
  expect(code).toBe(2);
  expect(log).toMatchObject({
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Forgeguard' } },
        invocations: [{ executionSuccessful: false, toolExecutionNotifications: [{ level: 'error' }] }],
      },
    ],
  });
  const results: unknown = expect.arrayContaining([
    expect.objectContaining({
      ruleId: 'phi/ssn',
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'a%20b.txt' },
            region: { startLine: 1, startColumn: 6, endLine: 1, endColumn: 17 },
          },
        },
      ],
    }),
    expect.objectContaining({
      ruleId: 'phi/ssn',
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: 'x.zip' }, region: { startLine: 1 } },
          logicalLocations: [{ fullyQualifiedName: 'x.zip!inner.csv', name: 'inner.csv', kind: 'resource' }],
        },
      ],
    }),
  ]);
  expect(log).toMatchObject({ runs: [{ results }] });
});

test('is valid for every rule and severity, and for none', () => {
  const findings = Object.entries(catalog).flatMap(([rule, entry]) =>
    severities.map((severity) => ({
      rule,
      category: entry.category,
      identifier: identifiers[0],
      severity,
      confidence: 1,
      path: '/abs/ü #?.txt',
      line: 1,
      column: 1,
      endLine: 1,
      endColumn: 2,
      byteStart: 0,
      byteEnd: 1,
      masked: '*',
      fingerprint: '0'.repeat(32),
      message: entry.message,
    })),
  );
  expect(sarifProblems(toSarif(findings, [], '1.2.3'))).toEqual([]);
  expect(sarifProblems(toSarif([], [], '1.2.3'))).toEqual([]);
  // The schema does say no.
  expect(sarifProblems({ ...toSarif([], [], '1.2.3'), version: '2.0.0' })).not.toEqual([]);
});
