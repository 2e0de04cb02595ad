// Makes an evidence pack out of the database: entries of a period, and everything that two verifiers need to check them
// without it. Reads page by page; memory does not grow with the log.
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { parseEntry, type AuditEntry } from '../../../core/audit-entry.ts';
import { openCheckpoint, verifierKeyText, type NoteVerifier } from '../../../core/checkpoint.ts';
import { GuardError } from '../../../core/errors.ts';
import type { KeyHistory } from '../../../core/key-history.ts';
import { documentOf } from '../../../core/log-walk.ts';
import { tileWidth, type TileId } from '../../../core/tile.ts';
import { consistencyText, inclusionText } from '../../../core/tlog-proof.ts';
import type { Queryable } from '../../db.ts';
import { readKeyHistory } from '../head.ts';
import { findFirst } from '../list.ts';
import { proveConsistency, proveInclusion } from '../proofs.ts';
import { refusePruned } from '../retention/pruned.ts';
import { readPrunedPast, readPruning } from '../retention/store.ts';
import { createSealing, type Sealing } from '../sealing/sealing.ts';
import { readDataKeys } from '../sealing/store.ts';
import { readTimestampNear } from '../timestamps/store.ts';
import {
  readCheckpoints,
  readEntryRange,
  readNewestCosigned,
  readNewestNote,
  readEvidence,
  readPolicyEntries,
  type StoredCheckpoint,
} from '../store.ts';
import { readTile } from '../tiles.ts';
import { createPackWriter, type PackWriter } from './pack-writer.ts';
import { coveredRange, packFormat, packTilePath, packTiles, type PackManifest } from './pack-layout.ts';
import { packReadme } from './readme.ts';

/** A period of time, either end open. */
export interface Period {
  readonly from?: Date;
  readonly to?: Date;
}

/** What a pack will hold. */
export interface PackPlan extends Omit<PackManifest, 'files' | 'format'> {
  readonly note: string;
  readonly keys: KeyHistory;
}

/** Chooses the entries of a period, up to the newest checkpoint. Rejects with `audit/not-found` where there are none. */
export async function planPack(client: Queryable, key: NoteVerifier, period: Period): Promise<PackPlan> {
  const note = await readNewestNote(client);
  const keys = await readKeyHistory(client, key);
  const last = keys.at(-1)?.key ?? key;
  const checkpoint = note === undefined ? undefined : openCheckpoint(note, last);
  if (note === undefined) throw new GuardError('audit/not-found', 'the audit log has no entries yet');
  if (checkpoint === undefined) {
    throw new GuardError('audit/inconsistent', `the newest checkpoint is not signed by ${last.name}`);
  }
  const { size, origin } = checkpoint;
  const { from, to } = period;
  const pruned = await readPrunedPast(client);
  const first = from === undefined ? pruned : await findFirst(client, size, from);
  const past = to === undefined ? size : await findFirst(client, size, to);
  if (first >= past && past <= pruned && pruned > 0) await refusePruned(client, 0, pruned);
  if (first >= past) throw new GuardError('audit/not-found', 'the audit log has no entries of this period');
  const [fromText, toText] = [from?.toISOString() ?? null, to?.toISOString() ?? null];
  return { origin, first, past, size, from: fromText, to: toText, note, keys };
}

/** What a pack holds besides entries and proofs. */
export interface PackContents {
  /** Opens texts that are sealed; without it they stay so. */
  readonly sealing?: Sealing;
  /** Whether evidence is in it: lines of source and of logs, with values masked. */
  readonly withEvidence?: boolean;
  /** Reports, by names such as `agent-release-bot.html`. */
  readonly reports?: Iterable<PackReport> | AsyncIterable<PackReport>;
}

export interface PackReport {
  readonly name: string;
  readonly text: string;
}

/** Collects lines into files of about a megabyte, named for their first line's number. */
function createLineFiles(writer: PackWriter, folder: string) {
  const most = 1_000_000;
  let lines: string[] = [];
  let length = 0;
  let name = '';
  const flush = async (): Promise<void> => {
    if (lines.length > 0) await writer.add(`${folder}/${name}.jsonl`, lines.join(''));
    lines = [];
    length = 0;
  };
  return {
    add: async (number: number, line: string): Promise<void> => {
      if (lines.length === 0) name = String(number).padStart(16, '0');
      lines.push(`${line}\n`);
      length += line.length;
      if (length >= most) await flush();
    },
    flush,
  };
}

async function addTile(client: Queryable, writer: PackWriter, tile: TileId): Promise<void> {
  const bytes = await readTile(client, tile);
  if (bytes === undefined)
    throw new GuardError('audit/inconsistent', `the audit log lacks the tile ${packTilePath(tile)}`);
  await writer.add(packTilePath(tile), bytes);
}

/** What the entries of the period refer to and what stands outside it. */
interface Outside {
  readonly entries: Set<number>;
  /** Keys of what is sealed in the period and not in the pack: they may have been destroyed. */
  readonly destroyed: Set<string>;
  readonly policies: Map<string, string>;
}

function notePolicy(outside: Outside, entry: AuditEntry | undefined): void {
  if (entry?.action !== 'policy.loaded') return;
  const { digest, text } = entry.details;
  if (typeof digest === 'string' && typeof text === 'string' && /^[0-9a-f]{64}$/.test(digest))
    outside.policies.set(digest, text);
}

/** What was sealed in the entries of the period, as far as the keys are there. */
async function addOpened(
  client: Queryable,
  writer: PackWriter,
  { first, past }: PackPlan,
  outside: Outside,
  sealing: Sealing,
): Promise<void> {
  const lines = createLineFiles(writer, 'opened');
  for (let at = first; at < past; at += tileWidth) {
    for (const { index, body } of await readEntryRange(client, at, Math.min(past, at + tileWidth))) {
      const entry = parseEntry(body);
      const found = entry === undefined ? undefined : await sealing.textsOf(client, entry);
      if (found?.kind === 'opened') {
        await lines.add(index, JSON.stringify({ index, plaintext: found.plaintext }));
      } else if (found?.kind === 'destroyed' && entry?.sealed !== undefined) {
        outside.destroyed.add(entry.sealed.key);
      }
    }
  }
  await lines.flush();
}

/** What an entry names by its digest, where it is kept still. */
async function addEvidence(
  client: Queryable,
  writer: PackWriter,
  entry: AuditEntry | undefined,
  { sealing, outside }: { readonly sealing: Sealing; readonly outside: Outside },
): Promise<void> {
  const named = entry === undefined ? undefined : documentOf(entry);
  if (named === undefined) return;
  const { digest, key } = named;
  const path = `evidence/${digest}.json`;
  if (writer.digests.has(path)) return;
  const kept = await readEvidence(client, digest);
  if (kept === undefined) {
    outside.destroyed.add(key);
    return;
  }
  const found = await sealing.openDocument(client, { key: kept.key, digest, data: kept.body });
  if (found.kind === 'opened') await writer.add(path, found.body);
  else if (found.kind === 'changed')
    throw new GuardError('audit/inconsistent', `the evidence with the SHA-256 ${digest} was changed`);
}

async function addEntries(
  client: Queryable,
  writer: PackWriter,
  plan: PackPlan,
  outside: Outside,
  { sealing, withEvidence }: Required<Pick<PackContents, 'sealing' | 'withEvidence'>>,
): Promise<void> {
  const { begin, end } = coveredRange(plan);
  const lines = createLineFiles(writer, 'entries');
  for (let at = begin; at < end; at += tileWidth) {
    for (const { index, body } of await readEntryRange(client, at, Math.min(end, at + tileWidth))) {
      if (index < plan.first || index >= plan.past) continue;
      const entry = parseEntry(body);
      notePolicy(outside, entry);
      if (withEvidence) await addEvidence(client, writer, entry, { sealing, outside });
      await lines.add(index, Buffer.from(body).toString('utf8'));
    }
  }
  await lines.flush();
  await addOpened(client, writer, plan, outside, sealing);
  for (let at = begin; at < end; at += tileWidth) {
    const width = Math.min(tileWidth, plan.size - at);
    await addTile(client, writer, { level: 'entries', index: at / tileWidth, width });
  }
}

const checkpointPage = 500;

async function* checkpointsOf(
  client: Queryable,
  after: number,
  upTo: number,
): AsyncGenerator<StoredCheckpoint> {
  for (let last = after; ;) {
    const rows = await readCheckpoints(client, last, checkpointPage);
    for (const row of rows) if (row.size <= upTo) yield row;
    const end = rows.at(-1)?.size;
    if (end === undefined || end > upTo) return;
    last = end;
  }
}

/** True for the index of an entry that the pack has no proof for but in its tiles. */
function isOutside(plan: PackPlan, index: number): boolean {
  const { begin, end } = coveredRange(plan);
  return index >= 0 && (index < begin || index >= end);
}

/** The checkpoints of the entries, and of other times those in which a key agreed to the next one, or which others signed. */
async function addCheckpoints(
  client: Queryable,
  writer: PackWriter,
  plan: PackPlan,
  vouched: readonly number[],
): Promise<readonly number[]> {
  const { begin, end } = coveredRange(plan);
  const lines = createLineFiles(writer, 'checkpoints');
  const found: StoredCheckpoint[] = [];
  for (const size of vouched) found.push(...(await readCheckpoints(client, size - 1, 1)));
  for (const { since } of plan.keys.filter((one) => isOutside(plan, one.since)))
    found.push(...(await readCheckpoints(client, since, 1)));
  const agreements = [...new Map(found.map((one) => [one.size, one])).values()]
    .filter(({ size }) => size <= begin || size > end)
    .toSorted((a, b) => a.size - b.size);
  const add = ({ size, note }: StoredCheckpoint): Promise<void> =>
    lines.add(size, JSON.stringify({ note, size }));
  for (const agreement of agreements.filter(({ size }) => size <= begin)) await add(agreement);
  for await (const checkpoint of checkpointsOf(client, begin, end)) await add(checkpoint);
  for (const agreement of agreements.filter(({ size }) => size > end)) await add(agreement);
  await lines.flush();
  return agreements.map(({ size }) => size);
}

async function addProofs(
  client: Queryable,
  writer: PackWriter,
  plan: PackPlan,
  outside: Outside,
  otherSizes: readonly number[],
): Promise<void> {
  const { size, note: checkpoint } = plan;
  for (const index of [...outside.entries].toSorted((a, b) => a - b)) {
    const proof = await proveInclusion(client, index, size);
    if (proof === undefined) throw new GuardError('audit/inconsistent', `the audit log lacks entry ${index}`);
    const { hashes, entry } = proof;
    const text = inclusionText({ index, entry: entry.body, hashes, checkpoint });
    await writer.add(`proofs/${index}.tlog-proof`, text);
  }
  for (const oldSize of otherSizes) {
    const hashes = (await proveConsistency(client, oldSize, size)) ?? [];
    await writer.add(`proofs/${oldSize}.consistency`, consistencyText({ oldSize, hashes, checkpoint }));
  }
}

/** Entries outside the period that the pack needs: changes of the key, the policy in force, the period's neighbours. */
async function findOutside(client: Queryable, plan: PackPlan): Promise<Outside> {
  const outside: Outside = { entries: new Set(), destroyed: new Set(), policies: new Map() };
  for (const { since } of plan.keys) if (isOutside(plan, since)) outside.entries.add(since);
  const pruning = await readPruning(client, plan.first);
  if (pruning !== undefined && isOutside(plan, pruning)) outside.entries.add(pruning);
  if (plan.from !== null && plan.first > 0 && pruning === undefined) outside.entries.add(plan.first - 1);
  if (plan.to !== null && plan.past < plan.size) outside.entries.add(plan.past);
  for (const { index, body } of await readPolicyEntries(client, plan.first)) {
    outside.entries.add(index);
    notePolicy(outside, parseEntry(body));
  }
  return outside;
}

/**
 * Writes the pack of a plan into `out`. With `sealing` the sealed texts are in it that this can open: keep the pack as
 * you would keep them. The same log at the same size gives the same bytes.
 */
export async function writePack(
  client: Queryable,
  plan: PackPlan,
  out: Writable,
  { sealing = createSealing(undefined), withEvidence = false, reports = [] }: PackContents = {},
): Promise<void> {
  const { origin, first, past, size, from, to, keys } = plan;
  const writer = createPackWriter(out);
  const told = { format: packFormat, origin, first, past, size, from, to } as const;
  const keyTexts = keys.map(({ key }) => verifierKeyText(key));
  await writer.add('README.txt', packReadme(told, keyTexts));
  await writer.add('verify.py', await readFile(new URL('verify.py', import.meta.url)));
  await writer.add('checkpoint', plan.note);
  const keyList = keys.map(({ since, key }) => ({ since, key: verifierKeyText(key) }));
  await writer.add('keys.json', `${JSON.stringify(keyList, undefined, 2)}\n`);
  const outside = await findOutside(client, plan);
  await addEntries(client, writer, plan, outside, { sealing, withEvidence });
  for (const { destroyedBy } of await readDataKeys(client, [...outside.destroyed]))
    if (destroyedBy !== null && isOutside(plan, destroyedBy) && destroyedBy < size)
      outside.entries.add(destroyedBy);
  for (const tile of packTiles(plan)) await addTile(client, writer, tile);
  const cosigned = await readNewestCosigned(client, size);
  if (cosigned !== undefined) await writer.add('cosigned', cosigned.note);
  const stamped = await readTimestampNear(client, 'up-to', size);
  if (stamped !== undefined) {
    await writer.add('timestamped', stamped.note);
    await writer.add('timestamp.tsr', stamped.response);
  }
  const vouched = [cosigned?.size, stamped?.size].filter((one) => one !== undefined);
  const otherSizes = await addCheckpoints(client, writer, plan, vouched);
  await addProofs(client, writer, plan, outside, otherSizes);
  for (const [digest, text] of [...outside.policies].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    await writer.add(`policies/${digest}.yaml`, text);
  for await (const { name, text } of reports) await writer.add(`reports/${name}`, text);
  const files = Object.fromEntries([...writer.digests].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  await writer.add('manifest.json', `${JSON.stringify({ ...told, files }, undefined, 2)}\n`);
  await writer.finish();
}
