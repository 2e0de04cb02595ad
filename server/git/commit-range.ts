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
  /** Null: nothing is there yet. */
  readonly base: Oid | null;
  readonly head: Oid;
  readonly signal: AbortSignal;
}

export interface CommitRange {
  /** Undefined for histories without a common commit. */
  readonly mergeBase: Oid | undefined;
  /** What `head` reaches and `base` does not, parents first. */
  readonly commits: readonly Oid[];
}

const mostCommits = 10_000;

/** Fetches the history of both and compares it. Rejects with `git/limit` where there are too many commits. */
export async function readRange(question: RangeQuestion): Promise<CommitRange> {
  const { history, remote, base, head, signal } = question;
  await history.fetchCommits(remote, base === null ? [head] : [base, head], signal);
  const args = [
    'rev-list',
    '--reverse',
    '--topo-order',
    '--boundary',
    `--max-count=${mostCommits + 1}`,
    head,
    ...(base === null ? [] : [`^${base}`]),
    '--',
  ];
  const listed = await git(question, args);
  if (listed.code !== 0)
    throw new GuardError('upstream/invalid', 'the upstream sent no history of the change');
  const commits = oidsIn(
    listed.lines.filter((line) => !line.startsWith('-')),
    question,
  );
  if (commits.length > mostCommits)
    throw new GuardError('git/limit', `the change has more than ${mostCommits} commits`);
  const boundary = listed.lines.filter((line) => line.startsWith('-')).map((line) => line.slice(1));
  return { mergeBase: await mergeBaseOf(question, commits, oidsIn(boundary, question)), commits };
}

function oidsIn(lines: readonly string[], { objectFormat }: RangeQuestion): readonly Oid[] {
  return lines.flatMap((line) => parseOid(line, objectFormat) ?? []);
}

/** Where the commits meet what `base` reaches: at one commit mostly, and that is it then. */
async function mergeBaseOf(
  question: RangeQuestion,
  commits: readonly Oid[],
  boundary: readonly Oid[],
): Promise<Oid | undefined> {
  if (commits.length === 0) return question.head;
  if (question.base === null || boundary.length < 2) return boundary[0];
  const merged = await git(question, ['merge-base', question.base, question.head]);
  return oidsIn(merged.lines, question)[0];
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
