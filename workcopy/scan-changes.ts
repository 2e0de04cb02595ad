// What a change adds: what is staged for the next commit, or what the commits of a range bring. Content that a range
// adds and removes again stays in the history, so it is scanned too.
import { GuardError } from '../core/errors.ts';
import { oidLength, parseOid, type Oid } from '../core/oid.ts';
import type { Finding } from '../scanners/finding.ts';
import { ObjectReader } from '../server/git/object-reader.ts';
import { type LineRange, readLineChanges } from './line-changes.ts';
import { once, type ScanItem } from './scan-item.ts';
import { git, splitNul, streamGit, tryGit, type WorkingCopy } from './working-copy.ts';

/** A range of commits and where it begins; without a base it is the whole history of its head. */
export interface CommitRange {
  readonly base: string | undefined;
  readonly head: string;
}

export interface ChangeOptions {
  /** Findings that a modified file had before the change, wherever in it, are left out. */
  readonly leaveOutKnown?: boolean;
}

interface Change {
  readonly status: string;
  readonly before: readonly Oid[];
  readonly after: Oid;
  readonly isLink: boolean;
  readonly path: string;
}

/** Blobs up to this size are read ahead into memory; larger ones are streamed by a process of their own. */
const inMemory = 4 * 1024 * 1024;
const submodule = '160000';
const link = '120000';

const diffFlags = ['--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--ignore-submodules'];
const rawFlags = ['--raw', '-z', '--no-abbrev', '--diff-filter=AMT', ...diffFlags];
const lineFlags = ['-p', '-U0', '--inter-hunk-context=0', '--diff-filter=M', ...diffFlags];

/** The commit at which `head` left `base`, so that what `base` gained since is not taken for the change's. */
export async function findRange(
  copy: WorkingCopy,
  text: string,
): Promise<CommitRange & { readonly base: string }> {
  const ends = /^([^.\s-][^\s]*?)\.\.\.?([^\s.-][^\s]*)?$/.exec(text);
  if (ends === null) throw new GuardError('input/invalid', `--diff expects BASE..HEAD, this is ${text}`);
  const [from, head] = await Promise.all(
    [ends[1] ?? '', ends[2] ?? 'HEAD'].map((end) => commitOf(copy, end)),
  );
  const merged = await tryGit(copy, ['merge-base', from ?? '', head ?? '']);
  // Histories without a common commit are compared as they are.
  const base = merged.code === 0 ? Buffer.from(merged.stdout).toString('latin1').trim() : (from ?? '');
  return { base, head: head ?? '' };
}

async function commitOf(copy: WorkingCopy, name: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  const found = await tryGit(copy, args);
  if (found.code === 0) return Buffer.from(found.stdout).toString('latin1').trim();
  throw new GuardError('input/invalid', `couldn't find the commit ${name} in this repository`);
}

/** What is staged: the added lines of the files in the index, and the names of new files. */
export async function* stagedItems(copy: WorkingCopy): AsyncGenerator<ScanItem> {
  await using reader = await ObjectReader.open(copy.environment, copy.directory);
  yield* changedItems(copy, reader, ['--cached']);
}

/** What the commits of a range add: messages, lines, names of files, and what only lies between. */
export async function* rangeItems(
  copy: WorkingCopy,
  { base, head }: CommitRange,
  options: ChangeOptions = {},
): AsyncGenerator<ScanItem> {
  await using reader = await ObjectReader.open(copy.environment, copy.directory);
  const without = base === undefined ? [] : [`^${base}`];
  const commits = splitLines(await git(copy, ['rev-list', '--reverse', head, ...without]));
  yield* messages(reader, commits);
  const final = new Set<string>();
  yield* changedItems(copy, reader, [base ?? (await emptyTree(copy)), head], final, options);
  yield* passingItems(copy, reader, commits, final);
}

async function emptyTree(copy: WorkingCopy): Promise<string> {
  const told = await git(copy, ['hash-object', '-t', 'tree', '--stdin'], new Uint8Array());
  return Buffer.from(told).toString('latin1').trim();
}

function splitLines(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
}

async function* messages(reader: ObjectReader, commits: readonly string[]): AsyncGenerator<ScanItem> {
  for (const commit of commits) {
    const object = await reader.object(asOid(commit));
    const text = Buffer.from(object?.data ?? []).toString('latin1');
    const message = Buffer.from(text.slice(text.indexOf('\n\n') + 2), 'latin1');
    const target = { kind: 'message', path: `commit ${commit.slice(0, 12)}` } as const;
    yield { kind: 'item', target, read: once(message) };
  }
}

/** The difference of two states; findings outside added lines are left out. */
async function* changedItems(
  copy: WorkingCopy,
  reader: ObjectReader,
  between: readonly string[],
  seen = new Set<string>(),
  { leaveOutKnown = false }: ChangeOptions = {},
): AsyncGenerator<ScanItem> {
  const changes = readRaw(splitNul(await git(copy, ['diff', ...rawFlags, ...between, '--'])));
  if (changes.length > 0) {
    const names = Buffer.from(changes.map(({ path }) => path).join('\n'));
    yield { kind: 'item', target: { kind: 'names', path: 'file names' }, read: once(names) };
  }
  const lines = readLineChanges(streamGit(copy, ['diff', ...lineFlags, ...between, '--']));
  try {
    for (const change of changes) {
      // Only modified files are in the second diff, in the same order; of others every line is new.
      const added = change.status === 'M' ? await nextOf(lines) : undefined;
      seen.add(change.after);
      yield {
        ...(await blobItem(copy, reader, change)),
        judge: (found) => withinLines(found, added),
        ...(leaveOutKnown ? { before: change.before.map((oid) => blobSource(copy, oid)) } : {}),
      };
    }
  } finally {
    await lines.return(undefined);
  }
}

async function nextOf<T>(values: AsyncGenerator<T>): Promise<T | undefined> {
  const next = await values.next();
  return next.done === true ? undefined : next.value;
}

function withinLines(
  findings: readonly Finding[],
  added: readonly LineRange[] | undefined,
): readonly Finding[] {
  if (added === undefined) return findings;
  return findings.filter(
    ({ line, endLine, category }) =>
      category === 'policy' || added.some(([from, to]) => line <= to && endLine >= from),
  );
}

/** Blobs that a commit brings and that are no part of the end: what their parent's version has not is told. */
async function* passingItems(
  copy: WorkingCopy,
  reader: ObjectReader,
  commits: readonly string[],
  seen: Set<string>,
): AsyncGenerator<ScanItem> {
  const args = ['diff-tree', '--stdin', '-r', '--root', '-c', ...rawFlags];
  const told = splitNul(await git(copy, args, Buffer.from(`${commits.join('\n')}\n`)));
  for (const { commit, changes } of byCommit(told))
    for (const change of changes) {
      if (seen.has(change.after)) continue;
      seen.add(change.after);
      const note = `Commit ${commit.slice(0, 12)} brings it; the end of the range has it no more, its history has.`;
      yield {
        ...(await blobItem(copy, reader, change)),
        before: change.before.map((oid) => blobSource(copy, oid)),
        judge: (findings) =>
          findings.map((finding) => ({ ...finding, message: `${finding.message} ${note}` })),
      };
    }
}

function* byCommit(tokens: readonly string[]) {
  let commit = '';
  let part: string[] = [];
  for (const token of tokens) {
    const isCommit = part.length % 2 === 0 && !token.startsWith(':');
    if (!isCommit) part.push(token);
    else {
      yield { commit, changes: readRaw(part) };
      commit = token;
      part = [];
    }
  }
  yield { commit, changes: readRaw(part) };
}

/** raw = 1*":" 1*(mode SP) 1*(oid SP) 1*status NUL path; one colon, old mode, oid and status letter a parent. */
function readRaw(tokens: readonly string[]): readonly Change[] {
  const changes: Change[] = [];
  for (let at = 0; at + 1 < tokens.length; at += 2) {
    const head = tokens[at] ?? '';
    const parents = /^:*/.exec(head)?.[0].length ?? 0;
    const fields = head.slice(parents).split(' ');
    const mode = fields[parents] ?? '';
    const oids = fields.slice(parents + 1, 2 * parents + 2).map(asOid);
    const after = oids.at(-1);
    if (mode === submodule || after === undefined) continue;
    const before = oids.slice(0, -1).filter((oid, index) => !/^0+$/.test(oid) && fields[index] !== submodule);
    const status = fields.at(-1) ?? '';
    changes.push({ status, before, after, isLink: mode === link, path: tokens[at + 1] ?? '' });
  }
  return changes;
}

function asOid(text: string): Oid {
  const oid = parseOid(text, text.length === oidLength.sha256 ? 'sha256' : 'sha1');
  if (oid === undefined) throw new GuardError('internal', "couldn't read an object id that git told");
  return oid;
}

async function blobItem(copy: WorkingCopy, reader: ObjectReader, change: Change): Promise<ScanItem> {
  // The text of a symbolic link is a path.
  const kind = change.isLink ? 'names' : 'file';
  return { kind: 'item', target: { kind, path: change.path }, read: await blob(copy, reader, change.after) };
}

async function blob(
  copy: WorkingCopy,
  reader: ObjectReader,
  oid: Oid,
): Promise<() => AsyncIterable<Uint8Array>> {
  for await (const header of reader.headers([oid]))
    if (header !== undefined && header.size > inMemory) return blobSource(copy, oid);
  const object = await reader.object(oid);
  if (object === undefined) throw new GuardError('input/unreadable', `couldn't read the object ${oid}`);
  return once(object.data);
}

function blobSource(copy: WorkingCopy, oid: Oid): () => AsyncIterable<Uint8Array> {
  return () => streamGit(copy, ['cat-file', 'blob', oid]);
}
