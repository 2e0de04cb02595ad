// Parses commits, tags and trees (gitformat-objects; "Git Objects" in the user manual). Attacker-controlled bytes that
// passed fsck; anything out of shape still gives a value or undefined, never an exception.
import { type ObjectFormat, oidLength } from '../../core/oid.ts';

export interface HeaderLine {
  readonly key: string;
  /** Continuation lines joined with newlines, their leading space removed. */
  readonly value: string;
}

export interface HeadedObject {
  readonly headers: readonly HeaderLine[];
  readonly message: Uint8Array<ArrayBuffer>;
  /** Line of the object, counted from 1, on which the message starts. */
  readonly messageLine: number;
}

/** Splits a commit or a tag into its headers and its message. */
export function parseHeaded(data: Uint8Array): HeadedObject {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const blank = buffer.indexOf('\n\n');
  const end = blank < 0 ? buffer.length : blank;
  const headers: HeaderLine[] = [];
  const lines = buffer.toString('utf8', 0, end).split('\n');
  for (const line of lines) {
    const last = headers.at(-1);
    if (line.startsWith(' ') && last !== undefined) {
      headers.splice(-1, 1, { key: last.key, value: `${last.value}\n${line.slice(1)}` });
    } else {
      const space = line.indexOf(' ');
      headers.push(
        space < 0 ? { key: line, value: '' } : { key: line.slice(0, space), value: line.slice(space + 1) },
      );
    }
  }
  return {
    headers,
    message: Uint8Array.from(buffer.subarray(Math.min(end + 2, buffer.length))),
    messageLine: lines.length + 2,
  };
}

export const modes = { directory: 0o40000, symlink: 0o120000, submodule: 0o160000 } as const;

export interface TreeEntry {
  readonly mode: number;
  /** Bytes of the name; not always UTF-8. */
  readonly name: Uint8Array;
  /** Binary object id. */
  readonly oid: Uint8Array;
}

/** The entries of a tree: `*( mode SP name NUL oid )`, mode in octal. Stops at the first entry out of shape. */
export function* treeEntries(data: Uint8Array, format: ObjectFormat): Generator<TreeEntry> {
  const width = oidLength[format] / 2;
  let start = 0;
  while (start < data.length) {
    const space = data.indexOf(0x20, start);
    const nul = space < 0 ? -1 : data.indexOf(0, space + 1);
    if (nul < 0 || nul + 1 + width > data.length) return;
    let mode = 0;
    for (let index = start; index < space; index += 1) mode = mode * 8 + ((data[index] ?? 0x30) - 0x30);
    yield { mode, name: data.subarray(space + 1, nul), oid: data.subarray(nul + 1, nul + 1 + width) };
    start = nul + 1 + width;
  }
}
