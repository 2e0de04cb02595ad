// The second stage of an inspection: every blob of the pack is scanned under the path that brought it in.
import { GuardError } from '../../core/errors.ts';
import type { ScanTarget } from '../../scanners/target.ts';
import { type InspectionWork, scanWhole } from './inspection-work.ts';
import { oidsOf } from './inventory.ts';
import { machineCodeHead } from './machine-code.ts';
import { checkMachineCode, checkSpecialBlob } from './special-blobs.ts';

/** Larger blobs are scanned as streams. */
const wholeBlobBytes = 8 * 1024 * 1024;

/** Scans all blobs in pack order. Rejects with `git/limit` or `scan/failed`. */
export async function inspectBlobs(work: InspectionWork): Promise<void> {
  const { index, inventory } = work;
  const sent = index.byOffset.subarray(0, work.announced);
  const blobs = sent.filter((object) => inventory.types[object] === 'blob');
  for (const run of runsOf(blobs, (object) => (inventory.sizes[object] ?? 0) > wholeBlobBytes)) {
    if (run.large) await inspectLarge(work, run.objects);
    else await inspectSmall(work, run.objects);
  }
}

interface Run {
  readonly large: boolean;
  readonly objects: readonly number[];
}

function* runsOf(objects: Uint32Array, isLarge: (object: number) => boolean): Generator<Run> {
  let run: number[] = [];
  let large = false;
  for (const object of objects) {
    if (isLarge(object) !== large && run.length > 0) {
      yield { large, objects: run };
      run = [];
    }
    large = isLarge(object);
    run.push(object);
  }
  if (run.length > 0) yield { large, objects: run };
}

async function inspectLarge(work: InspectionWork, objects: readonly number[]): Promise<void> {
  for (const object of objects) {
    const oid = work.index.oid(object);
    const target = targetOf(work, object);
    let head: Uint8Array | undefined;
    const source = firstSeen(work.reader.stream(oid), (chunk) => (head = chunk.slice(0, machineCodeHead)));
    const result = await work.scanner.scanStream(target, source, work.signal, oid);
    const special = head === undefined ? [] : checkMachineCode(target.path, head);
    if (special.length > 0) work.report({ object, place: 'file', result: { findings: special } });
    if (result.findings.length > 0) work.report({ object, place: 'file', result });
  }
}

async function* firstSeen(
  source: AsyncIterable<Uint8Array>,
  onFirst: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const chunk of source) {
    if (isFirst) onFirst(chunk);
    isFirst = false;
    yield chunk;
  }
}

async function inspectSmall(work: InspectionWork, objects: readonly number[]): Promise<void> {
  let at = 0;
  for await (const read of work.reader.contents(oidsOf(work.index, objects))) {
    const object = objects[at] ?? -1;
    at += 1;
    if (read === undefined) throw new GuardError('git/bad-pack', 'an object of the pack cannot be read');
    const target = targetOf(work, object);
    const special = checkSpecialBlob(target.path, work.graph.symlinks[object] === 1, read.data);
    if (special.length > 0) work.report({ object, place: 'file', result: { findings: special } });
    const place = target.kind === 'message' ? 'note' : 'file';
    await scanWhole(work, object, place, target, read.data, work.index.oid(object));
  }
}

function targetOf(work: InspectionWork, object: number): ScanTarget {
  const where = work.graph.introduction(object);
  if (Buffer.byteLength(where.path) > work.maxPathBytes) {
    throw new GuardError('git/limit', `a path is longer than ${work.maxPathBytes} bytes (limits.pathBytes)`);
  }
  // What a symbolic link holds is a path.
  if (work.graph.symlinks[object] === 1) return { kind: 'names', path: where.path };
  return { kind: where.ref.startsWith('refs/notes/') ? 'message' : 'file', path: where.path };
}
