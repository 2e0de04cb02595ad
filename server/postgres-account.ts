// Under which account the guard's own PostgreSQL runs. It refuses to run as root, so a guard that is root gives it a
// user id that nothing else on the machine has: whoever shares it could read and change the database.
import { lchown, lstat, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Ids that belong to no account by convention: between systemd's dynamic users, which end at 65519, and nobody. They
 * also exist in user namespaces, which map 65,536 ids.
 */
const unusedIds = [65_521, 65_522, 65_523, 65_524] as const;
/** `initdb` looks its user up by name; nobody has an entry everywhere. The files change hands afterwards. */
export const initAccount: Account = { uid: 65_534, gid: 65_534 };

async function takenIds(): Promise<ReadonlySet<number>> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return new Set(passwd.split('\n').map((line) => Number(line.split(':')[2])));
}

/** The owner of an existing directory where it is an ordinary account; undefined where there is none. */
async function ownerOf(directory: string): Promise<Account | undefined> {
  const found = await lstat(directory).catch(() => undefined);
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

/**
 * The account for a cluster in `directory`: undefined for the guard's own, which every ordinary user takes; for root,
 * whoever owns the cluster already, or else an id of its own.
 */
export async function accountFor(directory: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await ownerOf(directory);
  if (owner !== undefined) return owner;
  const taken = await takenIds();
  const id = unusedIds.find((candidate) => !taken.has(candidate)) ?? initAccount.uid;
  return { uid: id, gid: id };
}

/** Gives a tree to an account. Symbolic links are given themselves, not followed. */
export async function giveTree(directory: string, account: Account): Promise<void> {
  await lchown(directory, account.uid, account.gid);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await giveTree(path, account);
    else await lchown(path, account.uid, account.gid);
  }
}
