// A hostile archive: what its directory says is not believed.
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readZip } from '../../../github-app/workflows/read-zip.ts';
import { clearDownloads, spoolDownload } from '../../../github-app/workflows/spooled-download.ts';
import { zipOf } from '../../support/archives.ts';

/** The archive with each entry of its directory so many times. */
function repeated(zip: Uint8Array, times: number): Uint8Array {
  const bytes = Buffer.from(zip);
  const end = bytes.length - 22;
  const start = bytes.readUInt32LE(end + 16);
  const directory = Buffer.concat(Array.from({ length: times }, () => bytes.subarray(start, end)));
  const last = Buffer.from(bytes.subarray(end));
  const count = last.readUInt16LE(8) * times;
  last.writeUInt16LE(count, 8);
  last.writeUInt16LE(count, 10);
  last.writeUInt32LE(directory.length, 12);
  return Buffer.concat([bytes.subarray(0, start), directory, last]);
}

async function readOf(zip: Uint8Array): Promise<readonly boolean[]> {
  const path = join(await mkdtemp(join(tmpdir(), 'zip-')), 'archive');
  await writeFile(path, zip);
  await using file = await open(path);
  const read: boolean[] = [];
  for await (const entry of readZip(file, zip.length)) read.push(entry.read !== undefined);
  return read;
}

test('entries that share bytes of the file are not all read', async () => {
  const zip = zipOf({ 'kernel.bin': randomBytes(5_000) });
  expect(await readOf(zip)).toEqual([true]);
  const read = await readOf(repeated(zip, 50));
  expect(read).toHaveLength(50);
  expect(read.filter(Boolean)).toHaveLength(1);
});

test('a download has no name, and what a process has left is removed', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spool-'));
  async function* source(): AsyncGenerator<Uint8Array, { readonly isCut: boolean }> {
    yield Buffer.from('some ');
    yield Buffer.from('bytes');
    return { isCut: false };
  }
  const listed = (): Promise<readonly string[]> => readdir(join(dataDir, 'downloads')).catch(() => []);
  await using spooled = await spoolDownload(dataDir, source());
  expect([spooled.bytes, (await spooled.file.readFile('utf8')).length, await listed()]).toEqual([10, 10, []]);
  await writeFile(join(dataDir, 'downloads', 'left'), '');
  await clearDownloads(dataDir);
  expect(await listed()).toEqual([]);
});
