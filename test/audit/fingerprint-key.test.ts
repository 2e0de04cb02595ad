// The key of fingerprints is changed: recorded, the old one gone, fingerprints new, and exceptions that name old ones told.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { nameOfFingerprintKey } from '../../core/fingerprint-key-name.ts';
import { readEntries } from '../../server/audit/store.ts';
import { readFingerprintKey } from '../../server/fingerprint-key.ts';
import { createScanPool } from '../../server/scanning/pool.ts';
import { forgeguard } from '../cli/program.ts';
import { auditBench, auditEvents } from '../support/audit.ts';
import { phiSample } from '../support/phi.ts';

test('a new key', async () => {
  await using bench = await auditBench();
  {
    await using log = await bench.open();
    for (const event of auditEvents(2)) await log.append(event);
  }
  const sample = phiSample('csv');
  const fingerprintOf = async (key: Uint8Array): Promise<string | undefined> => {
    await using pool = await createScanPool({ fingerprintKey: key, threads: 1 });
    expect(pool.fingerprintKey).toBe(nameOfFingerprintKey(key));
    const bytes = Uint8Array.from(Buffer.from(sample.text));
    const target = { kind: 'file', path: sample.path } as const;
    const { findings } = await pool.scan(target, bytes, AbortSignal.timeout(20_000));
    return findings[0]?.fingerprint;
  };
  const env = { FORGEGUARD_DATA_DIR: bench.dataDir, DATABASE_URL: bench.url };
  const none = await forgeguard(bench.dataDir, ['audit', 'rotate-fingerprint-key'], env);
  expect(none).toMatchObject({ code: 2, stdout: '' });
  expect(none.stderr).toMatch(/no fingerprint key/);

  const old = await readFingerprintKey(bench.dataDir);
  const before = await fingerprintOf(old);
  expect(before).toMatch(/^[0-9a-f]{32}$/);
  await writeFile(
    join(bench.dataDir, 'policy.yaml'),
    `version: 1
rules: [{id: phi, when: {findings: {category: phi}}, then: deny}]
exceptions:
  - {id: known-number, fingerprint: ${before ?? ''}, reason: published, owner: ada, expires: 2099-01-01}
  - {id: samples, path: 'samples/**', reason: synthetic, owner: ada, expires: 2099-01-01}
`,
  );
  await writeFile(join(bench.dataDir, 'forgeguard.yaml'), 'policyFile: policy.yaml\n');
  const told = await forgeguard(
    bench.dataDir,
    ['audit', 'rotate-fingerprint-key', '--config', join(bench.dataDir, 'forgeguard.yaml')],
    env,
  );
  expect(told).toMatchObject({ code: 0, stderr: '' });
  const now = await readFingerprintKey(bench.dataDir);
  expect(Buffer.from(now).equals(old)).toBe(false);
  expect((await stat(join(bench.dataDir, 'fingerprint-key'))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(bench.dataDir, 'fingerprint-key'), 'utf8')).not.toContain(
    Buffer.from(old).toString('hex'),
  );
  const names = { previous: nameOfFingerprintKey(old), key: nameOfFingerprintKey(now) };
  expect(told.stdout).toContain(`before  ${names.previous}\nnow     ${names.key}\n`);
  expect(told.stdout).toContain('1 exception of the policy');
  expect(told.stdout).toMatch(/: known-number\.$/m);
  expect(await fingerprintOf(now)).not.toBe(before);

  const entries = (await readEntries(bench.database, 0, 100)).map(({ body }) => parseEntry(body));
  expect(entries.at(-1)).toMatchObject({ action: 'audit.fingerprint-key-rotated', details: names });
  expect(JSON.stringify(entries) + told.stdout).not.toContain(Buffer.from(now).toString('hex'));
});
