// What the readers of a large audit log wait for: verification, a proof, an evidence pack; and the memory that it takes.
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { parseVerifierKey, type NoteVerifier } from '../../core/checkpoint.ts';
import { createAuditLog } from '../../server/audit/log.ts';
import { type EntryFilter, listEntries } from '../../server/audit/list.ts';
import { planPack, writePack } from '../../server/audit/pack/export.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { verifyPack } from '../../server/audit/pack/verify-pack.ts';
import { proveInclusion } from '../../server/audit/proofs.ts';
import { verifyLog } from '../../server/audit/verify.ts';
import { type Database, openDatabase } from '../../server/db.ts';
import { startEmbeddedPostgres } from '../../server/embedded-postgres.ts';
import type { BenchCase } from '../bench-case.ts';
import { type Row, sampleOf, secondsOf } from '../measure.ts';
import { benchEvent } from './audit.ts';

const atOnce = 5_000;
const megabyte = 1024 * 1024;

async function fill(database: Database, dataDir: string, entries: number): Promise<NoteVerifier> {
  const clock = { now: () => new Date() };
  await using log = await createAuditLog({ database, dataDir, clock, writeDeadlineMs: 60_000 });
  while (log.head.size < entries) {
    const count = Math.min(atOnce, entries - log.head.size);
    await Promise.all(Array.from({ length: count }, (_, at) => log.append(benchEvent(`bench-${at}`))));
  }
  const key = parseVerifierKey(log.verifierKey);
  if (key === undefined) throw new Error('no key');
  return key;
}

/** Runs `work`, looking at this process's memory every few milliseconds; the highest above the start, in MB. */
async function memoryOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let highest = before;
  const timer = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 20);
  await work();
  clearInterval(timer);
  return (highest - before) / megabyte;
}

/** The evidence case. */
export const auditEvidenceCase: BenchCase = {
  name: 'audit-evidence',
  title: 'verifying, listing, proving and exporting a log of a million entries',
  needs: 'nothing',
  run: async ({ quick, entries: told }) => {
    const entries = told ?? (quick ? 50_000 : 1_000_000);
    await using directory = await temporaryDirectory('bench-evidence');
    await using postgres = await startEmbeddedPostgres({ dataDir: directory.path });
    await using database = await openDatabase(postgres.url);
    const key = await fill(database, directory.path, entries);
    const row = { baseName: '', base: null } as const;
    const rows: Row[] = [];

    const rates: number[] = [];
    const memory = await memoryOf(async () => {
      for (let round = 0; round < (quick ? 2 : 3); round += 1) {
        let isSound = false;
        const seconds = await secondsOf(async () => {
          isSound = (await verifyLog(database, { key, kept: [] })).ok;
        });
        if (!isSound) throw new Error('the log does not verify');
        rates.push(entries / seconds);
      }
    });
    rows.push({ ...row, measure: 'entries verified', unit: '1/s', ours: sampleOf(rates) });
    rows.push({ ...row, measure: 'verifying: memory', unit: 'MB', ours: sampleOf([memory]) });

    const proofs: number[] = [];
    for (let count = 0; count < 500; count += 1) {
      const index = Math.floor(Math.random() * entries);
      proofs.push(1000 * (await secondsOf(() => proveInclusion(database, index, entries))));
    }
    rows.push({ ...row, measure: 'a proof', unit: 'ms', ours: sampleOf(proofs) });

    const filters: readonly (readonly [string, EntryFilter, number])[] = [
      ['listed', {}, entries],
      ['filtered', { request: 'bench-7' }, Math.ceil(entries / atOnce)],
    ];
    for (const [what, filter, expected] of filters) {
      let [count, listing] = [0, 0];
      const taken = await memoryOf(async () => {
        listing = await secondsOf(async () => {
          for await (const { body } of listEntries(database, entries, filter))
            count += body.length > 0 ? 1 : 0;
        });
      });
      if (count < expected) throw new Error(`${count} entries were ${what}, not ${expected}`);
      const rate = sampleOf([entries / listing]);
      rows.push({ ...row, measure: `entries ${what}`, unit: '1/s', ours: rate });
      rows.push({ ...row, measure: `${what}: memory`, unit: 'MB', ours: sampleOf([taken]) });
    }

    let seconds = 0;
    const exporting = await memoryOf(async () => {
      const out = createWriteStream(join(directory.path, 'pack.tar.gz'));
      seconds = await secondsOf(async () => writePack(database, await planPack(database, key, {}), out));
    });
    rows.push({ ...row, measure: 'entries exported', unit: '1/s', ours: sampleOf([entries / seconds]) });
    rows.push({ ...row, measure: 'exporting: memory', unit: 'MB', ours: sampleOf([exporting]) });
    const scratch = join(directory.path, 'pack');
    await mkdir(scratch);
    const pack = await openPack(join(directory.path, 'pack.tar.gz'), scratch);
    let verifying = 0;
    const checking = await memoryOf(async () => {
      verifying = await secondsOf(async () => {
        const { ok } = await verifyPack(pack, { key, kept: [], witnesses: [] });
        if (!ok) throw new Error('the pack does not verify');
      });
    });
    const verified = sampleOf([entries / verifying]);
    rows.push({ ...row, measure: 'entries of a pack verified', unit: '1/s', ours: verified });
    rows.push({ ...row, measure: 'verifying a pack: memory', unit: 'MB', ours: sampleOf([checking]) });
    const peak = process.resourceUsage().maxRSS / 1024;
    rows.push({ ...row, measure: 'highest memory of all', unit: 'MB', ours: sampleOf([peak]) });
    return rows;
  },
};
