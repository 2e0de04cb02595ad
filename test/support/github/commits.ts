// Commits made straight into a repository of the fake, as many as a test wants, by one git process.
import { isolatedGitEnvironment, runOrThrow } from '../run.ts';
import { accountOf, type Repository, type World } from './world.ts';

export interface CommitWish {
  readonly branch: string;
  /** Null deletes. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly message?: string;
  /** Login name of the author and committer. Default `coder`. */
  readonly by?: string;
  /** What it builds on. Default: the branch itself where it is there, else `main`. */
  readonly from?: string;
}

/** Makes the commits in order; gives the id of the tip of each branch. */
export async function makeCommits(
  world: World,
  { git }: Repository,
  wishes: readonly CommitWish[],
): Promise<readonly string[]> {
  const refs = await git.refs();
  const known = new Set(Object.keys(refs));
  const parts: string[] = [];
  for (const { branch, files, message = 'Change', by = 'coder', from } of wishes) {
    const ref = `refs/heads/${branch}`;
    const base = from ?? (known.has(ref) ? branch : 'main');
    const isBegun = parts.some((part) => part.startsWith(`commit ${ref}\n`));
    const person = `${by} <${accountOf(world, by).login}@people.example> 1750000000 +0000`;
    parts.push(`commit ${ref}\nauthor ${person}\ncommitter ${person}\n`);
    parts.push(`data ${Buffer.byteLength(message)}\n${message}\n`);
    if (base !== branch || !known.has(ref)) parts.push(`from refs/heads/${base}^0\n`);
    else if (refs[ref] !== undefined && !isBegun) parts.push(`from ${ref}^0\n`);
    for (const [path, text] of Object.entries(files))
      parts.push(
        text === null
          ? `D ${JSON.stringify(path)}\n`
          : `M 100644 inline ${JSON.stringify(path)}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
      );
    known.add(ref);
  }
  parts.push('done\n');
  const env = isolatedGitEnvironment(git.directory);
  await runOrThrow('git', ['-C', git.directory, 'fast-import', '--quiet', '--done', '--force'], {
    env,
    input: parts.join(''),
  });
  const now = await git.refs();
  return wishes.map(({ branch }) => now[`refs/heads/${branch}`] ?? '');
}
