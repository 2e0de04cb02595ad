// The first stage of an inspection: commits, tags and trees become the graph, their texts are scanned.
import { GuardError } from '../../core/errors.ts';
import { type Oid, parseOid, zeroOid } from '../../core/oid.ts';
import { type InspectionWork, scanWhole } from './inspection-work.ts';
import { oidsOf } from './inventory.ts';
import { type HeadedObject, parseHeaded, treeEntries } from './object-format.ts';

// Headers that Git itself writes and that hold no text of a person. All others are scanned.
const structuralHeaders: ReadonlySet<string> = new Set([
  'tree',
  'parent',
  'object',
  'type',
  'encoding',
  'gpgsig',
  'gpgsig-sha256',
]);
const personHeaders: ReadonlySet<string> = new Set(['author', 'committer', 'tagger']);

/** Reads everything but blobs. Rejects with `git/limit` where a name is too long. */
export async function inspectStructure(work: InspectionWork): Promise<void> {
  const { index, inventory, graph } = work;
  const objects = index.byOffset.filter((object) => inventory.types[object] !== 'blob');
  const bases = new Set(index.byOffset.subarray(work.announced));
  let at = 0;
  for await (const read of work.reader.contents(oidsOf(index, objects))) {
    const object = objects[at] ?? -1;
    at += 1;
    if (read === undefined) throw new GuardError('git/bad-pack', 'an object of the pack cannot be read');
    if (read.header.type === 'tree') graph.addTree(object, checkedEntries(read.data, work));
    else {
      const parsed = parseHeaded(read.data);
      const isCommit = read.header.type === 'commit';
      if (!bases.has(object)) work.authors?.note(object, isCommit, parsed);
      await inspectHeaded(work, object, isCommit, parsed);
    }
  }
}

function* checkedEntries(data: Uint8Array, work: InspectionWork): ReturnType<typeof treeEntries> {
  for (const entry of treeEntries(data, work.objectFormat)) {
    if (entry.name.length > work.maxPathBytes) {
      throw new GuardError(
        'git/limit',
        `a path name is ${entry.name.length} bytes long, at most ${work.maxPathBytes} are taken (limits.pathBytes)`,
      );
    }
    yield entry;
  }
}

async function inspectHeaded(
  work: InspectionWork,
  object: number,
  isCommit: boolean,
  parsed: HeadedObject,
): Promise<void> {
  if (isCommit) addCommit(work, object, parsed);
  else work.graph.tagTargets.set(object, work.index.findOid(oidOf(work, valueOf(parsed, 'object'))));
  const place = isCommit ? 'commit message' : 'tag message';
  await scanWhole(work, object, place, { kind: 'message', path: place }, parsed.message);
  const bytes = authorText(parsed);
  if (bytes === undefined) return;
  await scanWhole(work, object, 'author line', { kind: 'names', path: 'author line' }, bytes);
}

function addCommit(work: InspectionWork, object: number, parsed: HeadedObject): void {
  const treeOid = oidOf(work, valueOf(parsed, 'tree'));
  const parents = parsed.headers
    .filter((header) => header.key === 'parent')
    .map((header) => oidOf(work, header.value));
  work.graph.commits.set(object, { tree: work.index.findOid(treeOid), parents });
}

function oidOf(work: InspectionWork, text: string): Oid {
  return parseOid(text, work.objectFormat) ?? zeroOid(work.objectFormat);
}

function valueOf(parsed: HeadedObject, key: string): string {
  return parsed.headers.find((header) => header.key === key)?.value ?? '';
}

/** What of the headers is worth a scan: a plain name is not, and most commits have nothing else here. */
export function authorText(parsed: HeadedObject): Uint8Array<ArrayBuffer> | undefined {
  const headers = headerTexts(parsed);
  return /\d{4}|[^\p{L}\w\s.,'-]/u.test(headers) ? new TextEncoder().encode(headers) : undefined;
}

/** Text of the headers that a person or a program may have written into, without e-mail addresses and times. */
function headerTexts(parsed: HeadedObject): string {
  return parsed.headers
    .filter(({ key }) => !structuralHeaders.has(key))
    .map(({ key, value }) => (personHeaders.has(key) ? value.replace(/ ?<[^>]*>.*$/, '') : value))
    .join('\n');
}
