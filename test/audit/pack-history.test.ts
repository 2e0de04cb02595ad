// Packs of a history that is sound in itself and not the one that was: both verifiers tell by a checkpoint that somebody
// else has kept, such as a witness.
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planPack, writePack } from '../../server/audit/pack/export.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { auditBench, type AuditBench, auditEvent } from '../support/audit.ts';
import { bothVerifiersFind } from '../support/pack-verifiers.ts';

async function found(bench: AuditBench, kept: readonly string[]): Promise<readonly string[]> {
  const plan = await planPack(bench.database, await bench.key(), {});
  const path = join(bench.dataDir, `pack-of-${plan.size}-${kept.length}.tar.gz`);
  await writePack(bench.database, plan, createWriteStream(path));
  await mkdir(`${path}.d`);
  const pack = await openPack(path, `${path}.d`);
  return bothVerifiersFind(pack, { key: await bench.key(), kept, witnesses: [] });
}

const writeNamed = (bench: AuditBench, ...names: readonly string[]): Promise<void> =>
  bench.write(names.map((name) => auditEvent(name, 'fetch.served')));

test('a database that was restored from a backup, and what is written and signed anew from there', async () => {
  await using bench = await auditBench();
  const file = join(bench.dataDir, 'audit-checkpoint');
  await writeNamed(bench, 'one', 'two');
  const early = await readFile(file, 'utf8');
  await writeNamed(bench, 'three', 'four', 'five');
  const kept = await readFile(file, 'utf8');
  expect(await found(bench, [early, kept])).toEqual([]);

  await bench.tamper('delete from audit_entry where index >= 2');
  await bench.tamper('delete from audit_checkpoint where size > 2');
  await writeFile(file, early);
  expect(await found(bench, [early])).toEqual([]);
  expect(await found(bench, [early, kept])).toEqual([
    'problem at 5: 5 entries were signed once, the log has 2: its end is missing (kept-checkpoint-contradicts)',
  ]);

  // With the very key of the log.
  await writeNamed(bench, 'another', 'story', 'is', 'told');
  expect(await found(bench, [early])).toEqual([]);
  expect(await found(bench, [early, kept])).toEqual([
    'problem at 5: the first 5 entries are not those of a kept checkpoint (kept-checkpoint-contradicts)',
  ]);
});
