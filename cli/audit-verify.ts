// `forgeguard audit verify`: checks the log from the outside, while a guard runs or not, or a proof that was taken out of
// it. Trusts the verifier key only: the one in the data directory, or better one that was kept elsewhere and is given.
import process from 'node:process';
import { parseEntry } from '../core/audit-entry.ts';
import { openCheckpoint, verifierKeyText, type NoteVerifier } from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import { leafHash } from '../core/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../core/merkle-proof.ts';
import { maxProofLength, parseConsistency, parseInclusion } from '../core/tlog-proof.ts';
import { verifyLog, type Verification } from '../server/audit/verify.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { auditConfig, givenCheckpoints, keptCheckpoints, trustedKey } from './audit-source.ts';

export interface VerifyFlags {
  readonly config?: string;
  readonly key?: string;
  readonly checkpoint: readonly string[];
  readonly format: 'text' | 'json';
}

/** Exit codes: what was checked is sound, it is not. Where it could not be checked, the program ends with 2. */
const exit = { ok: 0, problems: 1 } as const;
/** The forms in which a result is shown. */
export const formats: Readonly<
  Record<VerifyFlags['format'], (result: Verification, key: NoteVerifier) => string>
> = { text: asText, json: asJson };

function asText(result: Verification, key: NoteVerifier): string {
  const lines = [
    `size         ${result.size}`,
    `root         ${Buffer.from(result.root).toString('base64')}`,
    `origin       ${key.name}`,
    `key          ${verifierKeyText(key)}`,
    `checkpoints  ${result.checkpoints}`,
    ...result.problems.map(({ kind, at, message }) => `problem at ${at}: ${message} (${kind})`),
    ...(result.problemCount > result.problems.length ? [`… ${result.problemCount} problems in all`] : []),
    result.ok ? 'ok' : 'NOT OK',
  ];
  return lines.join('\n');
}

function asJson(result: Verification, key: NoteVerifier): string {
  const root = Buffer.from(result.root).toString('base64');
  return JSON.stringify({ ...result, root, origin: key.name, key: verifierKeyText(key) }, undefined, 2);
}

/** What a proof shows, or why it shows nothing. */
type ProofResult =
  { readonly ok: true; readonly shows: string } | { readonly ok: false; readonly problem: string };

function checkInclusion(text: string, key: NoteVerifier): ProofResult | undefined {
  const proof = parseInclusion(text);
  if (proof === undefined) return undefined;
  const checkpoint = openCheckpoint(proof.checkpoint, key);
  if (checkpoint === undefined) return unsigned(key);
  if (proof.entry === undefined) return { ok: false, problem: 'the proof does not bring its entry along' };
  const { index, hashes } = proof;
  const { size, root } = checkpoint;
  const leaf = leafHash(proof.entry);
  if (!verifyInclusion({ index, size, leaf, root, proof: hashes })) {
    return { ok: false, problem: `the entry is not number ${index} of the log that was signed` };
  }
  if (parseEntry(proof.entry)?.index !== index) {
    return { ok: false, problem: 'what the proof shows is no entry of this place' };
  }
  const entry = Buffer.from(proof.entry).toString('utf8');
  return { ok: true, shows: `entry ${index} of ${size} in ${key.name}\n${entry}` };
}

function checkConsistency(text: string, key: NoteVerifier, kept: readonly string[]): ProofResult | undefined {
  const proof = parseConsistency(text);
  if (proof === undefined) return undefined;
  const checkpoint = openCheckpoint(proof.checkpoint, key);
  const old = kept.map((note) => openCheckpoint(note, key)).find((opened) => opened?.size === proof.oldSize);
  if (checkpoint === undefined) return unsigned(key);
  if (old === undefined) {
    return { ok: false, problem: `name the checkpoint of ${proof.oldSize} entries with --checkpoint` };
  }
  const isGood = verifyConsistency({
    oldSize: old.size,
    newSize: checkpoint.size,
    oldRoot: old.root,
    newRoot: checkpoint.root,
    proof: proof.hashes,
  });
  return isGood
    ? { ok: true, shows: `the log ${key.name} of ${checkpoint.size} entries continues that of ${old.size}` }
    : { ok: false, problem: `the log of ${checkpoint.size} entries does not continue that of ${old.size}` };
}

function unsigned(key: NoteVerifier): ProofResult {
  return { ok: false, problem: `its checkpoint is not signed by ${key.name}, key ${key.keyId}` };
}

async function verifyFile(file: string, flags: VerifyFlags): Promise<void> {
  const bytes = await readBoundedFile(file, maxProofLength).catch((cause: unknown) => {
    throw new GuardError('input/unreadable', `couldn't read ${file}`, { cause });
  });
  const text = bytes?.toString('utf8') ?? '';
  const dataDir = flags.key === undefined ? (await auditConfig(flags.config)).dataDir : '';
  const key = await trustedKey(dataDir, flags.key);
  const kept = await givenCheckpoints(flags.checkpoint);
  const result = checkInclusion(text, key) ?? checkConsistency(text, key, kept);
  if (result === undefined) throw new GuardError('input/invalid', `${file} is no proof of an audit log`);
  process.stdout.write(result.ok ? `${result.shows}\nok\n` : `problem: ${result.problem}\nNOT OK\n`);
  process.exitCode = result.ok ? exit.ok : exit.problems;
}

async function verifyDatabase(flags: VerifyFlags): Promise<void> {
  const config = await auditConfig(flags.config);
  const key = await trustedKey(config.dataDir, flags.key);
  // Read before the database is: the log may only have grown since.
  const kept = await keptCheckpoints(config.dataDir, flags.checkpoint);
  const result = await withConfiguredDatabase(config, (database) => verifyLog(database, { key, kept }), {
    migrate: false,
  });
  process.stdout.write(`${formats[flags.format](result, key)}\n`);
  process.exitCode = result.ok ? exit.ok : exit.problems;
}

/** Verifies the log of the configuration, or the proof in `file`. */
export function verify(file: string | undefined, flags: VerifyFlags): Promise<void> {
  return file === undefined ? verifyDatabase(flags) : verifyFile(file, flags);
}
