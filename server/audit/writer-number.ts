// The number of a guard among those that write one log, kept in its data directory: attempts that it leaves open when it
// dies are known by it as its own.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { GuardError } from '../../core/errors.ts';
import { readPrivateFile, writePrivateFile } from '../private-file.ts';

const mostWriters = 2 ** 31 - 1;

/** The number in the data directory; made at the first start. */
export async function readWriterNumber(dataDir: string): Promise<number> {
  const path = join(dataDir, 'audit-writer');
  const kept = (await readPrivateFile(path))?.text.trim();
  if (kept !== undefined) {
    const number = Number(kept);
    if (/^[1-9][0-9]{0,9}$/.test(kept) && number <= mostWriters) return number;
    throw new GuardError('audit/inconsistent', `${path} does not hold the number of a guard`);
  }
  const number = randomInt(1, mostWriters);
  await writePrivateFile(path, `${number}\n`);
  return number;
}
