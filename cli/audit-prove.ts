// `forgeguard audit prove`: takes a proof out of the log that a stranger checks without the guard and its database.
import { open } from 'node:fs/promises';
import process from 'node:process';
import { openCheckpoint } from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import { consistencyText, inclusionText } from '../core/tlog-proof.ts';
import { proveConsistency, proveInclusion } from '../server/audit/proofs.ts';
import { readNewestNote } from '../server/audit/store.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import type { Queryable } from '../server/db.ts';
import { auditConfig, recordExport, trustedKey } from './audit-source.ts';

export interface ProveFlags {
  readonly config?: string;
  readonly since?: string;
  readonly out?: string;
}

/** What to prove: that an entry is there, or that the log continues itself since it had a size. */
type Wanted =
  { readonly kind: 'entry'; readonly index: number } | { readonly kind: 'since'; readonly size: number };

function readWanted(entry: string | undefined, since: string | undefined): Wanted {
  const text = entry ?? since;
  if (text === undefined || (entry !== undefined && since !== undefined)) {
    throw new GuardError('input/invalid', 'name either the number of an entry or --since with a size');
  }
  const number = Number(text);
  if (!/^[0-9]{1,15}$/.test(text)) {
    throw new GuardError('input/invalid', 'an entry and a size are written as whole numbers from 0');
  }
  return entry === undefined ? { kind: 'since', size: number } : { kind: 'entry', index: number };
}

async function proofText(
  client: Queryable,
  wanted: Wanted,
  checkpoint: string,
  size: number,
): Promise<string> {
  if (wanted.kind === 'entry') {
    const proof = await proveInclusion(client, wanted.index, size);
    if (proof !== undefined) {
      return inclusionText({
        index: wanted.index,
        entry: proof.entry.body,
        hashes: proof.hashes,
        checkpoint,
      });
    }
  } else {
    const hashes = await proveConsistency(client, wanted.size, size);
    if (hashes !== undefined) return consistencyText({ oldSize: wanted.size, hashes, checkpoint });
  }
  throw new GuardError('audit/not-found', `the newest checkpoint of the audit log covers ${size} entries`);
}

/** Writes the proof to standard output or to `--out`, which must not exist yet. */
export async function prove(entry: string | undefined, flags: ProveFlags): Promise<void> {
  const wanted = readWanted(entry, flags.since);
  const config = await auditConfig(flags.config);
  const key = await trustedKey(config.dataDir, undefined);
  const text = await withConfiguredDatabase(
    config,
    async (database) => {
      const note = await readNewestNote(database);
      if (note === undefined) throw new GuardError('audit/not-found', 'the audit log has no entries yet');
      const checkpoint = openCheckpoint(note, key);
      if (checkpoint === undefined) {
        throw new GuardError('audit/inconsistent', `the newest checkpoint is not signed by ${key.name}`);
      }
      const proof = await proofText(database, wanted, note, checkpoint.size);
      await recordExport(database, config.dataDir, { what: 'proof', ...wanted });
      return proof;
    },
    { migrate: false },
  );
  await write(flags.out, text);
}

async function write(path: string | undefined, text: string): Promise<void> {
  if (path === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    await using file = await open(path, 'wx', 0o600);
    await file.writeFile(text);
  } catch (cause) {
    throw new GuardError('input/unreadable', `couldn't write ${path}; it must not exist yet`, { cause });
  }
}
