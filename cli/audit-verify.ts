// `forgeguard audit verify`: checks the log from the outside, while a guard runs or not, or an evidence pack or proof that
// was taken out of it. Trusts the verifier key only: the one in the data directory, or better one that was kept elsewhere and is given.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseEntry } from '../core/audit-entry.ts';
import {
  openCheckpoint,
  parseVerifierKey,
  signatureTypes,
  verifierKeyText,
  type NoteVerifier,
} from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import { leafHash } from '../core/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../core/merkle-proof.ts';
import { maxProofLength, parseConsistency, parseInclusion } from '../core/tlog-proof.ts';
import { openPack } from '../server/audit/pack/unpack.ts';
import { verifyPack, type PackVerification } from '../server/audit/pack/verify-pack.ts';
import { type OpenedCount, verifyLog, type Verification } from '../server/audit/verify.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { verifyReceived } from './audit-received.ts';
import { checkReport, reportCheckFormats } from './audit-verify-report.ts';
import { auditConfig, givenCheckpoints, keptCheckpoints, trustedKey } from './audit-source.ts';

export interface VerifyFlags {
  readonly config?: string;
  readonly key?: string;
  readonly checkpoint: readonly string[];
  readonly witness: readonly string[];
  readonly received?: string;
  readonly report?: string;
  readonly tsa?: string;
  readonly format: 'text' | 'json';
}

/** Exit codes: what was checked is sound, it is not. Where it could not be checked, the program ends with 2. */
const exit = { ok: 0, problems: 1 } as const;
/** The forms in which a result is shown. */
export const formats: Readonly<
  Record<VerifyFlags['format'], (result: Verification, key: NoteVerifier) => string>
> = { text: asText, json: asJson };

function problemLines({ ok, problems, problemCount }: Verification): readonly string[] {
  return [
    ...problems.map(({ kind, at, message }) => `problem at ${at}: ${message} (${kind})`),
    ...(problemCount > problems.length ? [`… ${problemCount} problems in all`] : []),
    ok ? 'ok' : 'NOT OK',
  ];
}

function stampedLine({ stamped }: PackVerification): readonly string[] {
  return stamped === undefined ? [] : [`stamped ${stamped.toISOString()}`];
}

/** What became of what was sealed. */
function openedLine(what: string, count: OpenedCount | undefined): readonly string[] {
  if (count === undefined || count.entries === 0) return [];
  const { entries, opened, destroyed } = count;
  const absent = entries - opened - destroyed;
  return [
    `${what} ${entries} entries: ${opened} opened, ${destroyed} destroyed under an approval, ${absent} not in the pack`,
  ];
}

function asText(result: Verification, key: NoteVerifier): string {
  const lines = [
    `size         ${result.size}`,
    `root         ${Buffer.from(result.root).toString('base64')}`,
    `origin       ${key.name}`,
    `key          ${verifierKeyText(key)}`,
    `checkpoints  ${result.checkpoints}`,
    ...(result.pruned === 0 ? [] : [`pruned       ${result.pruned}`]),
    ...problemLines(result),
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

function readWitnessKey(text: string): NoteVerifier {
  const key = parseVerifierKey(text.trim(), signatureTypes.cosignature);
  if (key !== undefined) return key;
  throw new GuardError('input/invalid', 'a --witness is the key that `forgeguard witness` prints');
}

const maxAuthorityBytes = 4 * 2 ** 20;

async function readAuthorities(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const bytes = await readBoundedFile(file, maxAuthorityBytes).catch((cause: unknown) => {
    throw new GuardError('input/unreadable', `couldn't read ${file}`, { cause });
  });
  return bytes?.toString('utf8') ?? '';
}

async function readStart(file: string): Promise<Buffer | undefined> {
  try {
    await using handle = await open(file, 'r');
    if ((await handle.stat()).isDirectory()) return undefined;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    throw new GuardError('input/unreadable', `couldn't read ${file}`, { cause });
  }
}

/** A directory or a compressed archive is an evidence pack, anything else a proof. */
async function isPack(file: string): Promise<boolean> {
  const start = await readStart(file);
  return start === undefined || start.toString('hex') === '1f8b';
}

async function verifyFile(file: string, flags: VerifyFlags): Promise<void> {
  const dataDir = flags.key === undefined ? (await auditConfig(flags.config)).dataDir : '';
  const key = await trustedKey(dataDir, flags.key);
  const kept = await givenCheckpoints(flags.checkpoint);
  if (await isPack(file)) await verifyPackFile(file, flags, key, kept);
  else await verifyProofFile(file, key, kept);
}

async function verifyPackFile(
  file: string,
  flags: VerifyFlags,
  key: NoteVerifier,
  kept: readonly string[],
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'forgeguard-pack-'));
  try {
    const result = await verifyPack(await openPack(file, scratch), {
      key,
      kept,
      witnesses: flags.witness.map(readWitnessKey),
      stampedBy: await readAuthorities(flags.tsa),
    });
    const { first, past, size } = result;
    const text =
      flags.format === 'json'
        ? asJson(result, key)
        : [
            `entries ${first} to ${past - 1} of ${size}`,
            ...stampedLine(result),
            ...openedLine('sealed texts in', result.sealed),
            ...openedLine('evidence of', result.documents),
            ...problemLines(result),
          ].join('\n');
    process.stdout.write(`${text}\n`);
    process.exitCode = result.ok ? exit.ok : exit.problems;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function verifyProofFile(file: string, key: NoteVerifier, kept: readonly string[]): Promise<void> {
  const text = (await readBoundedFile(file, maxProofLength))?.toString('utf8') ?? '';
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
  const witnesses = flags.witness.map(readWitnessKey);
  const stampedBy = await readAuthorities(flags.tsa);
  const result = await withConfiguredDatabase(
    config,
    (database) => verifyLog(database, { key, kept, witnesses, stampedBy }),
    {
      migrate: false,
    },
  );
  process.stdout.write(`${formats[flags.format](result, key)}\n`);
  process.exitCode = result.ok ? exit.ok : exit.problems;
}

async function verifyKept(file: string, flags: VerifyFlags): Promise<void> {
  const dataDir = flags.key === undefined ? (await auditConfig(flags.config)).dataDir : '';
  const key = await trustedKey(dataDir, flags.key);
  const isSound = await verifyReceived(file, key, await givenCheckpoints(flags.checkpoint), flags.format);
  process.exitCode = isSound ? exit.ok : exit.problems;
}

async function verifyReport(file: string, flags: VerifyFlags): Promise<void> {
  const config = await auditConfig(flags.config);
  const key = await trustedKey(config.dataDir, flags.key);
  const kept = await keptCheckpoints(config.dataDir, flags.checkpoint);
  const check = await withConfiguredDatabase(
    config,
    (database) => checkReport(database, file, { key, kept }),
    { migrate: false },
  );
  process.stdout.write(`${reportCheckFormats[flags.format](check)}\n`);
  process.exitCode = check.problems.length === 0 ? exit.ok : exit.problems;
}

/** Verifies the log of the configuration, the evidence pack or proof in `file`, what a receiver has kept, or a report. */
export function verify(file: string | undefined, flags: VerifyFlags): Promise<void> {
  if (flags.report !== undefined) return verifyReport(flags.report, flags);
  if (flags.received !== undefined) return verifyKept(flags.received, flags);
  return file === undefined ? verifyDatabase(flags) : verifyFile(file, flags);
}
