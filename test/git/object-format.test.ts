// Commits, tags, trees and symbolic links as the inspection reads them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHeaded, treeEntries } from '../../server/git/object-format.ts';
import { leavesTree } from '../../server/git/special-blobs.ts';

describe('commits and tags', () => {
  it('splits headers with continuations from the message', () => {
    const text = `tree ${'a'.repeat(40)}\nauthor A <a@b.example> 1 +0000\ngpgsig one\n two\n three\n\nsubject\n\nbody\n`;
    const parsed = parseHeaded(Buffer.from(text));
    expect(parsed.headers.map((header) => header.key)).toEqual(['tree', 'author', 'gpgsig']);
    expect(parsed.headers[2]?.value).toBe('one\ntwo\nthree');
    expect(Buffer.from(parsed.message).toString()).toBe('subject\n\nbody\n');
  });

  it('gives a value for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (data) => parseHeaded(data).headers.length >= 1));
  });
});

describe('trees', () => {
  it('reads entries of both object formats', () => {
    for (const format of ['sha1', 'sha256'] as const) {
      const oid = Buffer.alloc(format === 'sha1' ? 20 : 32, 7);
      const data = Buffer.concat([Buffer.from('100644 a b\0'), oid, Buffer.from('40000 dir\0'), oid]);
      const entries = [...treeEntries(data, format)];
      expect(entries.map((entry) => [entry.mode, Buffer.from(entry.name).toString()])).toEqual([
        [0o100644, 'a b'],
        [0o40000, 'dir'],
      ]);
    }
  });

  it('stops at what is out of shape', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        (data) => [...treeEntries(data, 'sha1')].length <= data.length,
      ),
    );
  });
});

describe('symbolic links', () => {
  it.each([
    ['a/link', '../b', false],
    ['a/link', '../../b', true],
    ['link', 'a/../b', false],
    ['link', 'a/../../b', true],
    ['link', '/etc/passwd', true],
    ['link', 'C:\\windows', true],
    ['a/link', '..\\..\\b', true],
    ['link', '..', true],
    ['a/link', '..', false],
  ])('%s → %s leaves the tree: %s', (path, target, expected) => {
    expect(leavesTree(path, target)).toBe(expected);
  });
});
