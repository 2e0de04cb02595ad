// Bytes kept aside: what is read is what was added, wherever it was kept, and nothing stays behind.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Spool } from '../../server/git/spool.ts';
import { createRandom } from '../support/random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test.each([
  ['nothing', []],
  ['a little', [10, 0, 300]],
  ['just what memory holds', [1024 * 1024]],
  ['one byte more', [1024 * 1024, 1]],
  ['much, in pieces', [700_000, 700_000, 5, 3_000_000]],
])('%s', async (_name, sizes) => {
  await using directory = await temporaryDirectory('spool');
  const random = createRandom(3);
  const chunks = sizes.map((size) => random.bytes(size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  {
    await using spool = new Spool(join(directory.path, 'aside'));
    for (const chunk of chunks) await spool.add(chunk);
    expect(spool.size).toBe(total);
    expect(await readdir(directory.path)).toEqual(total > 1024 * 1024 ? ['aside'] : []);
    const read: Uint8Array[] = [];
    for await (const chunk of spool.read()) read.push(chunk);
    expect(Buffer.concat(read).equals(Buffer.concat(chunks))).toBe(true);
  }
  expect(await readdir(directory.path)).toEqual([]);
});

test('a place that cannot be written is told', async () => {
  await using directory = await temporaryDirectory('spool');
  await using spool = new Spool(join(directory.path, 'nowhere', 'aside'));
  const fill = async (): Promise<void> => {
    for (let at = 0; at < 40; at += 1) await spool.add(new Uint8Array(256 * 1024));
    for await (const chunk of spool.read()) void chunk;
  };
  await expect(fill()).rejects.toMatchObject({ code: 'ENOENT' });
});
