// Git objects written by hand, independently of the product and of git: content, and the id it must have.
//
//   tree    = *(mode SP name NUL raw-oid)
//   commit  = "tree" SP oid LF *("parent" SP oid LF) "author" SP ident LF "committer" SP ident LF LF message
//   tag     = "object" SP oid LF "type" SP type LF "tag" SP name LF "tagger" SP ident LF LF message
//   oid     = hash(type SP decimal-length NUL content)
import { createHash } from 'node:crypto';

export type ObjectFormat = 'sha1' | 'sha256';
export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

export interface GitObject {
  readonly type: ObjectType;
  readonly content: Uint8Array;
  readonly oid: string;
}

export interface TreeEntry {
  /** Octal text as git writes it: 100644 100755 120000 160000 40000. */
  readonly mode: string;
  readonly name: string | Uint8Array;
  readonly oid: string;
}

export interface CommitFields {
  readonly tree: string;
  readonly parents?: readonly string[];
  readonly message: string;
  readonly author?: string;
  readonly committer?: string;
  /** More header lines, each without its line end, such as `encoding latin1`. */
  readonly headers?: readonly string[];
}

const ident = 'Agent <agent@example.com> 1700000000 +0000';

/** Any content as an object; nothing is checked. */
export function gitObject(
  type: ObjectType,
  content: Uint8Array | string,
  format: ObjectFormat = 'sha1',
): GitObject {
  const bytes = Buffer.from(content);
  const oid = createHash(format).update(`${type} ${bytes.length}\0`).update(bytes).digest('hex');
  return { type, content: bytes, oid };
}

/** A blob of this content. */
export function blob(content: Uint8Array | string, format: ObjectFormat = 'sha1'): GitObject {
  return gitObject('blob', content, format);
}

/** A tree with the entries in exactly the order given: sort them for a valid one. */
export function tree(entries: readonly TreeEntry[], format: ObjectFormat = 'sha1'): GitObject {
  const parts = entries.flatMap(({ mode, name, oid }) => [
    Buffer.from(`${mode} `),
    Buffer.from(name),
    Buffer.from([0]),
    Buffer.from(oid, 'hex'),
  ]);
  return gitObject('tree', Buffer.concat(parts), format);
}

/** A commit. */
export function commit(fields: CommitFields, format: ObjectFormat = 'sha1'): GitObject {
  const lines = [
    `tree ${fields.tree}`,
    ...(fields.parents ?? []).map((parent) => `parent ${parent}`),
    `author ${fields.author ?? ident}`,
    `committer ${fields.committer ?? ident}`,
    ...(fields.headers ?? []),
  ];
  return gitObject('commit', `${lines.join('\n')}\n\n${fields.message}`, format);
}

/** An annotated tag. */
export function tag(
  target: GitObject,
  name: string,
  message: string,
  format: ObjectFormat = 'sha1',
): GitObject {
  const head = `object ${target.oid}\ntype ${target.type}\ntag ${name}\ntagger ${ident}\n\n`;
  return gitObject('tag', `${head}${message}`, format);
}

/** A commit of one tree that holds these files at the top, and all the objects it needs, the commit first. */
export function commitOfFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  fields: Partial<Omit<CommitFields, 'tree'>> = {},
  format: ObjectFormat = 'sha1',
): readonly [GitObject, ...GitObject[]] {
  const blobs = Object.entries(files).map(([name, content]) => ({ name, object: blob(content, format) }));
  const entries = blobs
    .map(({ name, object }) => ({ mode: '100644', name, oid: object.oid }))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const root = tree(entries, format);
  const made = commit({ message: 'by hand\n', ...fields, tree: root.oid }, format);
  return [made, root, ...blobs.map(({ object }) => object)];
}

/** The id that stands for "no object". */
export function noObject(format: ObjectFormat = 'sha1'): string {
  return '0'.repeat(format === 'sha1' ? 40 : 64);
}
