// Where `forgeguard scan` finds what it scans: the file system, standard input, the index, a range of commits.
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { GuardError } from '../core/errors.ts';
import type { Finding } from '../scanners/finding.ts';
import type { ScanTarget } from '../scanners/target.ts';
import { runGit } from '../server/git/process.ts';

/** One thing to scan. `concerns` keeps the findings that the asked-for change is responsible for. */
export interface ScanItem {
  readonly target: ScanTarget;
  readonly read: () => AsyncIterable<Uint8Array>;
  readonly concerns?: (finding: Finding) => boolean;
}

/** The files below `paths`, in order of their names. Symbolic links are not followed; `.git` is left out. */
export async function* fileSource(paths: readonly string[]): AsyncGenerator<ScanItem> {
  for (const path of paths) yield* walk(path, true);
}

async function* walk(path: string, named: boolean): AsyncGenerator<ScanItem> {
  const status = await lstat(path).catch((cause: unknown) => {
    throw new GuardError('input/unreadable', `couldn't read ${path}`, { cause });
  });
  if (status.isDirectory()) {
    for (const name of (await readdir(path)).sort()) if (named || name !== '.git') yield* child(path, name);
  } else if (status.isFile() || (named && !status.isSymbolicLink()))
    yield { target: { kind: 'file', path }, read: () => createReadStream(path, { highWaterMark: 1 << 20 }) };
}

function child(path: string, name: string): AsyncGenerator<ScanItem> | readonly ScanItem[] {
  return name === '.git' ? [] : walk(path === '.' ? name : join(path, name), false);
}

/** Standard input, as one file of unknown name. */
export async function* inputSource(): AsyncGenerator<ScanItem> {
  yield { target: { kind: 'file', path: '(standard input)' }, read: () => process.stdin };
}

/** What is staged: the added lines of the files in the index. */
export async function* stagedSource(): AsyncGenerator<ScanItem> {
  yield* changedFiles(['--cached'], '');
}

/** What the commits of `BASE..HEAD` add: lines, path names and messages. */
export async function* diffSource(range: string): AsyncGenerator<ScanItem> {
  const ends = /^([^.\s-][^\s]*?)\.\.\.?([^\s-][^\s]*)?$/.exec(range);
  if (ends === null) throw new GuardError('input/invalid', `--diff expects BASE..HEAD, this is ${range}`);
  const [base = '', head = 'HEAD'] = [ends[1], ends[2]];
  for (const commit of await commitMessages(base, head)) yield commit;
  yield* changedFiles([base, head], head);
}

async function git(args: readonly string[]): Promise<Uint8Array> {
  // The user's own working copy: its files belong to them, so Git may read it whoever runs this.
  const { code, stdout, stderr } = await runGit(args, { cwd: process.cwd(), maxBytes: 512 * 1024 * 1024 });
  if (code !== 0) {
    const said = stderr.trim().split('\n')[0] ?? '';
    throw new GuardError('input/invalid', `couldn't run git ${args[0] ?? ''}: ${said}`);
  }
  return stdout;
}

function once(bytes: Uint8Array): () => AsyncIterable<Uint8Array> {
  return async function* () {
    yield bytes;
  };
}

async function commitMessages(base: string, head: string): Promise<readonly ScanItem[]> {
  const log = await git(['log', '-z', '--format=%H%n%B', '--end-of-options', `${base}..${head}`]);
  return Buffer.from(log)
    .toString('utf8')
    .split('\0')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      const end = entry.indexOf('\n');
      const path = `commit ${entry.slice(0, 12)}`;
      return { target: { kind: 'message', path }, read: once(Buffer.from(entry.slice(end + 1))) };
    });
}

/** Files that a diff adds to, each scanned as a whole and reported for its added lines. */
async function* changedFiles(between: readonly string[], tree: string): AsyncGenerator<ScanItem> {
  const filter = ['--no-renames', '--diff-filter=AM', '--no-ext-diff'];
  const names = await git(['diff', ...filter, '--name-only', '-z', ...between, '--']);
  const paths = Buffer.from(names)
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
  if (paths.length > 0)
    yield { target: { kind: 'names', path: 'file names' }, read: once(Buffer.from(paths.join('\n'))) };
  for (const path of paths) {
    const added = addedLines(
      await git(['diff', ...filter, '--no-textconv', '--no-color', '-U0', ...between, '--', path]),
    );
    yield {
      target: { kind: 'file', path },
      read: () => blob(`${tree}:${path}`),
      concerns: ({ line, endLine, category }) =>
        category === 'policy' ||
        added === undefined ||
        added.some(([from, to]) => line <= to && endLine >= from),
    };
  }
}

async function* blob(name: string): AsyncGenerator<Uint8Array> {
  yield await git(['cat-file', 'blob', name]);
}

/** Line ranges that a diff adds; undefined for a binary file, whose every byte counts. */
function addedLines(diff: Uint8Array): readonly (readonly [number, number])[] | undefined {
  const text = Buffer.from(diff).toString('latin1');
  if (/^Binary files /m.test(text)) return undefined;
  return [...text.matchAll(/^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/gm)].map((match) => {
    const from = Number(match[1]);
    return [from, from + Number(match[2] ?? 1) - 1];
  });
}
