// `forgeguard audit verify --report FILE`: whether a report that somebody was handed is one that was made, by the audit
// log. Believes the verifier key; the entry must be proved to be in the log, and the log to continue what was kept.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { openCheckpoint, type NoteVerifier } from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import { openHistorical } from '../core/key-history.ts';
import { leafHash } from '../core/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../core/merkle-proof.ts';
import { readKeyHistory } from '../server/audit/head.ts';
import { findReports, type FoundReport } from '../server/audit/made-reports.ts';
import { proveConsistency, proveInclusion } from '../server/audit/proofs.ts';
import { readNewestNote } from '../server/audit/store.ts';
import type { Queryable } from '../server/db.ts';
import { printable } from './printable.ts';

export interface ReportCheck {
  readonly sha256: string;
  /** Entries that the newest checkpoint covers. */
  readonly size: number;
  readonly found: readonly FoundReport[];
  readonly problems: readonly string[];
}

/** Entries that are shown, where the same bytes were made more than once. */
const mostShown = 20;

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256');
  try {
    await pipeline(createReadStream(file), digest);
  } catch (cause) {
    throw new GuardError('input/unreadable', `couldn't read ${file}`, { cause });
  }
  return digest.digest('hex');
}

/** Looks a report up. Rejects with `audit/inconsistent` where the log is not signed by the key, or by one of its line. */
export async function checkReport(
  client: Queryable,
  file: string,
  { key, kept }: { readonly key: NoteVerifier; readonly kept: readonly string[] },
): Promise<ReportCheck> {
  const sha256 = await digestOf(file);
  const keys = await readKeyHistory(client, key);
  const last = keys.at(-1)?.key ?? key;
  const checkpoint = openCheckpoint((await readNewestNote(client)) ?? '', last);
  if (checkpoint === undefined)
    throw new GuardError('audit/inconsistent', `the newest checkpoint is not signed by ${last.name}`);
  const { size, root } = checkpoint;
  const problems: string[] = [];
  for (const note of kept) {
    const old = openHistorical(note, keys);
    const hashes = old === undefined ? undefined : await proveConsistency(client, old.size, size);
    const claim = { oldSize: old?.size ?? 0, newSize: size, oldRoot: old?.root ?? root, newRoot: root };
    if (hashes === undefined || !verifyConsistency({ ...claim, proof: hashes }))
      problems.push('the log does not continue a checkpoint that was kept');
  }
  const found: FoundReport[] = [];
  for await (const one of findReports(client, size, sha256)) {
    const { index } = one.entry;
    const proof = await proveInclusion(client, index, size);
    const leaf = leafHash(proof?.entry.body ?? Buffer.of());
    if (!verifyInclusion({ index, size, leaf, root, proof: proof?.hashes ?? [] }))
      problems.push(`entry ${index} is not in the log that was signed`);
    found.push(one);
    if (found.length === mostShown) break;
  }
  if (found.length === 0) problems.push(`no entry of the log names a report with the SHA-256 ${sha256}`);
  return { sha256, size, found, problems };
}

function linesOf({ entry, report }: FoundReport, size: number): readonly string[] {
  const { index, time, actor, details } = entry;
  const by = actor?.id ?? (typeof details['by'] === 'string' ? details['by'] : 'nobody known');
  const { agent, format, from, to, scope, bytes } = report;
  return [
    `report       ${agent}, ${from} to ${to}, as ${format}, ${bytes} bytes`,
    `shows        ${scope === 'all' ? 'everything' : 'what its reader may see'}`,
    `made         ${time} for ${by}`,
    `entry        ${index} of ${size}`,
  ].map(printable);
}

/** The result in either form. */
export const reportCheckFormats: Readonly<Record<'text' | 'json', (check: ReportCheck) => string>> = {
  text: ({ sha256, size, found, problems }) =>
    [
      `sha256       ${sha256}`,
      ...found.flatMap((one) => linesOf(one, size)),
      ...problems.map((problem) => `problem: ${problem}`),
      problems.length === 0 ? 'ok' : 'NOT OK',
    ].join('\n'),
  json: ({ sha256, size, found, problems }) => {
    const reports = found.map(({ entry: { index, time, actor, details }, report }) => ({
      ...report,
      index,
      time,
      actor: actor?.id ?? null,
      by: details['by'],
    }));
    return JSON.stringify({ ok: problems.length === 0, sha256, size, reports, problems }, undefined, 2);
  },
};
