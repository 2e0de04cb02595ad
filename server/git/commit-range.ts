// Which commits a change brings, and what is written in them. Reads the bare history of the cache.
import { GuardError } from '../../core/errors.ts';
import { type ObjectFormat, type Oid, parseOid } from '../../core/oid.ts';
import { type HistoryLease, neverFetch } from './history.ts';
import type { GitRemote } from './gateway.ts';
import { type HeadedObject, parseHeaded } from './object-format.ts';
import { ObjectReader } from './object-reader.ts';
import { runGit } from './process.ts';

export interface RangeQuestion {
  readonly history: HistoryLease;
  readonly remote: GitRemote;
  readonly objectFormat: ObjectFormat;
  readonly base: Oid;
  readonly head: Oid;
  readonly signal: AbortSignal;
}

export interface CommitRange {
  /** Undefined for histories without a common commit. */
  readonly mergeBase: Oid | undefined;
  /** What `head` reaches and `base` does not, oldest first. */
  readonly commits: readonly Oid[];
}

const mostCommits = 10_000;

/** Fetches the history of both and compares it. Rejects with `git/limit` where there are too many commits. */
export async function readRange(question: RangeQuestion): Promise<CommitRange> {
  const { history, remote, base, head, signal } = question;
  await history.fetchCommits(remote, [base, head], signal);
  const [merged, listed] = await Promise.all([
    git(question, ['merge-base', base, head]),
    git(question, ['rev-list', '--reverse', `--max-count=${mostCommits + 1}`, head, `^${base}`, '--']),
  ]);
  if (listed.code !== 0)
    throw new GuardError('upstream/invalid', 'the upstream sent no history of the change');
  const commits = listed.lines.flatMap((line) => parseOid(line, question.objectFormat) ?? []);
  if (commits.length > mostCommits)
    throw new GuardError('git/limit', `the change has more than ${mostCommits} commits`);
  const [mergeBase] = merged.lines;
  return { mergeBase: parseOid(mergeBase ?? '', question.objectFormat), commits };
}

async function git(
  { history, signal }: RangeQuestion,
  args: readonly string[],
): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const { commitsPath } = history;
  const result = await runGit(args, {
    cwd: commitsPath,
    env: { GIT_DIR: commitsPath, ...neverFetch },
    signal,
  });
  const lines = Buffer.from(result.stdout).toString('latin1').split('\n');
  return { code: result.code, lines: lines.filter((line) => line !== '') };
}

/** The commits themselves, in the order asked. */
export async function* readCommits(
  { history, signal }: Pick<RangeQuestion, 'history' | 'signal'>,
  commits: readonly Oid[],
): AsyncGenerator<{ readonly oid: Oid; readonly parsed: HeadedObject }> {
  if (commits.length === 0) return;
  const { commitsPath } = history;
  await using reader = await ObjectReader.open({ GIT_DIR: commitsPath, ...neverFetch }, commitsPath);
  reader.stopOn(signal);
  let at = 0;
  for await (const read of reader.contents(commits)) {
    const oid = commits[at];
    at += 1;
    if (read === undefined || oid === undefined)
      throw new GuardError('upstream/invalid', 'the upstream did not send a commit of the change');
    yield { oid, parsed: parseHeaded(read.data) };
  }
}
