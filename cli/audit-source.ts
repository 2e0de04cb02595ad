// Where the commands below `forgeguard audit` take the log and the trusted key from.
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { AuditEvent } from '../core/audit-event.ts';
import { parseVerifierKey, type NoteVerifier } from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import { type MadeReport, mostMadeReports, reportMadeEvent } from '../core/report/made.ts';
import { readCheckpointFile } from '../server/audit/checkpoint-file.ts';
import { createSealing, type Sealing } from '../server/audit/sealing/sealing.ts';
import { findWrappingKey } from '../server/audit/sealing/wrapping-key.ts';
import { appendOnce } from '../server/audit/single-append.ts';
import { readVerifierKey, verifierKeyPath } from '../server/audit/verifier-key.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { environment, loadConfig, type Config } from '../server/config.ts';
import type { Database } from '../server/db.ts';

/** Records who takes what out of the log; durable before anything is handed out. */
export async function recordExport(
  database: Database,
  dataDir: string,
  details: AuditEvent['details'],
): Promise<void> {
  await appendOnce(
    { database, dataDir, clock: { now: () => new Date() } },
    {
      action: 'audit.exported',
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: { ...details, by: `local:${userInfo().username}` },
    },
  );
}

/** Records reports that are about to be handed out, in as many entries as they need. */
export async function recordReports(
  database: Database,
  dataDir: string,
  reports: readonly MadeReport[],
): Promise<void> {
  const request = randomBytes(8).toString('hex');
  for (let at = 0; at < reports.length; at += mostMadeReports) {
    const page = reports.slice(at, at + mostMadeReports);
    const event = reportMadeEvent(request, null, `local:${userInfo().username}`, page);
    await appendOnce({ database, dataDir, clock: { now: () => new Date() } }, event);
  }
}

const maxNoteBytes = 65_536;

/** The configuration that is in force for a command. */
export function auditConfig(file: string | undefined): Promise<Config> {
  return loadConfig({ file, env: environment() });
}

/** Opens the sealed texts of entries as far as the key is here. */
export async function readerSealing({ dataDir, audit }: Config): Promise<Sealing> {
  return createSealing(await findWrappingKey(dataDir, audit.sealingKey?.reveal()));
}

/** The key to trust: the one that was given, else the one in the data directory. */
export async function trustedKey(dataDir: string, given: string | undefined): Promise<NoteVerifier> {
  const text = given ?? (await readVerifierKey(dataDir));
  const key = text === undefined ? undefined : parseVerifierKey(text.trim());
  if (key !== undefined) return key;
  const where = given === undefined ? `in ${verifierKeyPath(dataDir)}` : 'in --key';
  throw new GuardError('config/unreadable', `there is no verifier key ${where}`);
}

async function readGiven(file: string): Promise<string> {
  const bytes = await readBoundedFile(file, maxNoteBytes).catch((cause: unknown) => {
    throw new GuardError('config/unreadable', `couldn't read the checkpoint ${file}`, { cause });
  });
  return bytes?.toString('utf8') ?? '';
}

/** The files of a directory of anchors, or the file itself. */
async function filesAt(path: string): Promise<readonly string[]> {
  const names = await readdir(path).catch(() => undefined);
  return names?.filter((name) => name.endsWith('.checkpoint')).map((name) => join(path, name)) ?? [path];
}

/** The checkpoints in files that were named, and in directories of such files. */
export async function givenCheckpoints(paths: readonly string[]): Promise<readonly string[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat();
  const notes: string[] = [];
  for (const file of files) notes.push(await readGiven(file));
  return notes;
}

/** Those, and the one that is kept beside the database. */
export async function keptCheckpoints(dataDir: string, files: readonly string[]): Promise<readonly string[]> {
  const own = await readCheckpointFile(dataDir);
  const given = await givenCheckpoints(files);
  return own === undefined ? given : [own, ...given];
}

/** A day (UTC, from its beginning) or a time in RFC 3339. */
export function readTime(flag: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const time = new Date(isDay ? `${text}T00:00:00.000Z` : text);
  if (!(isDay || /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text)) || Number.isNaN(time.getTime())) {
    const message = `${flag} is written as a day, 2026-03-01, or a time, 2026-03-01T12:00:00Z`;
    throw new GuardError('input/invalid', message);
  }
  return time;
}
