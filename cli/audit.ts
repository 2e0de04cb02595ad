// `forgeguard audit`: the commands about the audit log.
import type { Command } from 'commander';
import { exportPack } from './audit-export.ts';
import { registerHold } from './audit-hold.ts';
import { list, listFormats } from './audit-list.ts';
import { prove } from './audit-prove.ts';
import { pruneLog } from './audit-prune.ts';
import { rotate } from './audit-rotate.ts';
import { rotateFingerprintKey } from './audit-fingerprint-key.ts';
import { rewrap } from './audit-rewrap.ts';
import { shred } from './audit-shred.ts';
import { formats, verify } from './audit-verify.ts';

const collect = (text: string, texts: readonly string[]): readonly string[] => [...texts, text];

/** Adds `audit` and what stands below it to the program. */
export function registerAudit(program: Command): void {
  const audit = program.command('audit').description('check the audit log and take evidence out of it');
  audit
    .command('verify [file]')
    .description(
      'recompute every hash of the audit log and compare it with its signed checkpoints; or check an evidence pack or a proof',
    )
    .option('--config <file>', 'configuration file')
    .option('--key <vkey>', 'verifier key to trust instead of the one in the data directory')
    .option(
      '--checkpoint <file>',
      'a checkpoint kept elsewhere that the log must continue, or a directory of such; may be repeated',
      collect,
      [],
    )
    .option('--witness <key>', 'key of a witness who must have signed; may be repeated', collect, [])
    .option(
      '--received <file>',
      'check the lines that a receiver of the log has kept instead; `-` is standard input',
    )
    .option('--report <file>', 'look up a report that somebody was handed instead: was it made, for whom')
    .option('--tsa <file>', 'roots of the time stamping authority that must have stamped it (PEM)')
    .addOption(
      program.createOption('--format <format>', 'output').choices(Object.keys(formats)).default('text'),
    )
    .action(verify);
  audit
    .command('list')
    .description('show the entries that fit, oldest first')
    .option('--config <file>', 'configuration file')
    .option('--from <time>', 'first day (UTC) or time')
    .option('--to <time>', 'day or time before which it ends')
    .option('--action <action>', 'an action such as push.refused, or push. for all that begin so')
    .option('--actor <id>', 'who acted, or on whose behalf, such as agent:release-bot')
    .option('--repository <name>', 'as <forge>/<owner>/<repo>')
    .option('--request <id>', 'the id that the entries of one attempt share')
    .addOption(
      program.createOption('--format <format>', 'output').choices(Object.keys(listFormats)).default('text'),
    )
    .action(list);
  audit
    .command('prove [entry]')
    .description('write a proof that an entry is in the log, or that the log continues an earlier size')
    .option('--config <file>', 'configuration file')
    .option('--since <size>', 'prove that the log continues what it was at this size')
    .option('--out <file>', 'write to this file instead of standard output')
    .action(prove);
  audit
    .command('export')
    .description('write an evidence pack that is verified without the guard: a tar file, compressed')
    .option('--config <file>', 'configuration file')
    .option('--from <time>', 'first day (UTC) or time')
    .option('--to <time>', 'day or time before which it ends')
    .option('--out <file>', 'file to write; it must not exist yet')
    .option('--sealed', 'leave texts that may be personal sealed')
    .action(exportPack);
  audit
    .command('rotate-key')
    .description('sign the audit log with a new key from now on; the log records it')
    .option('--config <file>', 'configuration file')
    .action(rotate);
  audit
    .command('rewrap-keys')
    .description('encrypt the keys of sealed texts with a new key from now on; the log records it')
    .option('--config <file>', 'configuration file')
    .option('--to <file>', 'file with the new key, 32 bytes in hex; needed where audit.sealingKey is set')
    .action(rewrap);
  audit
    .command('rotate-fingerprint-key')
    .description('give fingerprints of values a new key and destroy the old one; the log records it')
    .option('--config <file>', 'configuration file')
    .action(rotateFingerprintKey);
  registerHold(audit);
  audit
    .command('prune')
    .description('take out of the log what is older than it must be kept; hashes stay, proofs hold')
    .option('--config <file>', 'configuration file')
    .option('--dry-run', 'only tell what would go')
    .option('--today <day>', 'what day it is (UTC), where no witness says so')
    .action(pruneLog);
  audit
    .command('shred')
    .description('destroy the sealed texts of a repository and month; two people are needed')
    .option('--repository <name>', 'as <forge>/<owner>/<repo>')
    .option('--month <month>', 'such as 2026-03')
    .option('--reason <text>', 'why')
    .option('--approve <id>', 'approve what somebody else has asked for')
    .option('--url <url>', 'URL of the guard; else FORGEGUARD_URL, else the sandbox that runs here')
    .option('--token-file <file>', 'file with your guard token; else FORGEGUARD_TOKEN')
    .option('--config <file>', 'configuration file')
    .option('--dangerously-allow-plain-http', 'show the token to the network')
    .action(shred);
}
