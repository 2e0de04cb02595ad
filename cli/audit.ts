// `forgeguard audit`: checks the audit log from the outside, while a guard runs or not. Trusts the verifier key only:
// the one in the data directory, or better one that was kept elsewhere and is given with --key.
import process from 'node:process';
import type { Command } from 'commander';
import { parseVerifierKey, verifierKeyText, type NoteVerifier } from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import { readCheckpointFile } from '../server/audit/checkpoint-file.ts';
import { readVerifierKey, verifierKeyPath } from '../server/audit/verifier-key.ts';
import { verifyLog, type Verification } from '../server/audit/verify.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { environment, loadConfig, type Config } from '../server/config.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';

interface VerifyFlags {
  readonly config?: string;
  readonly key?: string;
  readonly checkpoint: readonly string[];
  readonly format: 'text' | 'json';
}

/** Exit codes: the log is sound, it is not. Where it could not be verified, the program ends with 2. */
const exit = { ok: 0, problems: 1 } as const;
const maxNoteBytes = 65_536;
const formats: Readonly<Record<VerifyFlags['format'], (result: Verification, key: NoteVerifier) => string>> =
  {
    text: asText,
    json: asJson,
  };

async function findKey(config: Config, given: string | undefined): Promise<NoteVerifier> {
  const text = given ?? (await readVerifierKey(config.dataDir));
  const key = text === undefined ? undefined : parseVerifierKey(text.trim());
  if (key !== undefined) return key;
  const where = given === undefined ? `in ${verifierKeyPath(config.dataDir)}` : 'in --key';
  throw new GuardError('config/unreadable', `there is no verifier key ${where}`);
}

async function readGiven(file: string): Promise<string> {
  const bytes = await readBoundedFile(file, maxNoteBytes).catch((cause: unknown) => {
    throw new GuardError('config/unreadable', `couldn't read the checkpoint ${file}`, { cause });
  });
  return bytes?.toString('utf8') ?? '';
}

async function keptCheckpoints(config: Config, files: readonly string[]): Promise<readonly string[]> {
  const own = await readCheckpointFile(config.dataDir);
  const given = await Promise.all(files.map(readGiven));
  return own === undefined ? given : [own, ...given];
}

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

async function verify(flags: VerifyFlags): Promise<void> {
  const config = await loadConfig({ file: flags.config, env: environment() });
  const key = await findKey(config, flags.key);
  // Read before the database is: the log may only have grown since.
  const kept = await keptCheckpoints(config, flags.checkpoint);
  const result = await withConfiguredDatabase(config, (database) => verifyLog(database, { key, kept }), {
    migrate: false,
  });
  process.stdout.write(`${formats[flags.format](result, key)}\n`);
  process.exitCode = result.ok ? exit.ok : exit.problems;
}

/** Adds `audit verify` to the program. */
export function registerAudit(program: Command): void {
  const audit = program.command('audit').description('check the audit log');
  audit
    .command('verify')
    .description('recompute every hash of the audit log and compare it with its signed checkpoints')
    .option('--config <file>', 'configuration file')
    .option('--key <vkey>', 'verifier key to trust instead of the one in the data directory')
    .option(
      '--checkpoint <file>',
      'a checkpoint kept elsewhere that the log must continue; may be repeated',
      (file: string, files: readonly string[]) => [...files, file],
      [],
    )
    .addOption(
      program.createOption('--format <format>', 'output').choices(Object.keys(formats)).default('text'),
    )
    .action(verify);
}
