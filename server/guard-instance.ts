// Which guard this is, and which life of it: an id kept in the data directory, and another one for the process. The lock
// on the directory, which ends with its holder, proves that no earlier process of this guard is alive.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { lockDirectory } from './directory-lock.ts';
import { GuardError } from '../core/errors.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

export interface GuardInstance extends Disposable {
  /** Names this process and no other. */
  readonly name: string;
  /**
   * What the names of this guard's earlier processes begin with, all of which have ended. Undefined where another
   * process uses the data directory: this one has no predecessors then.
   */
  readonly predecessors: string | undefined;
}

const idPattern = /^[0-9a-f]{32}$/;
const random = (bytes: number): string => randomBytes(bytes).toString('hex');

/** Takes the place of the guard in this data directory, where it is free. */
export async function openGuardInstance(dataDir: string): Promise<GuardInstance> {
  const lock = await lockDirectory(join(dataDir, 'guard-lock'), 0);
  const life = random(8);
  if (lock === undefined)
    return { name: `${random(16)}/${life}`, predecessors: undefined, [Symbol.dispose]: () => undefined };
  try {
    const predecessors = `${await readId(dataDir)}/`;
    return { name: `${predecessors}${life}`, predecessors, [Symbol.dispose]: () => lock.release() };
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

async function readId(dataDir: string): Promise<string> {
  const path = join(dataDir, 'guard-id');
  const kept = (await readPrivateFile(path))?.text.trim();
  if (kept === undefined) {
    const id = random(16);
    await writePrivateFile(path, `${id}\n`);
    return id;
  }
  if (!idPattern.test(kept))
    throw new GuardError('config/unreadable', `${path} does not hold the id of a guard`);
  return kept;
}
