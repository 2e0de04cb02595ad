#!/usr/bin/env node
// The command line of Forgeguard. Only the file of the command that is asked for is loaded.
import { enableCompileCache } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describeOldNode, isOldNode } from './node-version.ts';

type Register = (program: Command) => void;

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Register>;
}

/** Every command, in the order of the help. */
const commands: Readonly<Record<string, CommandEntry>> = {
  serve: { summary: 'start the guard', load: async () => (await import('./serve.ts')).registerServe },
  scan: {
    summary: 'scan files, a diff or standard input',
    load: async () => (await import('./scan.ts')).registerScan,
  },
  redact: {
    summary: 'hide values in a file or standard input',
    load: async () => (await import('./redact.ts')).registerRedact,
  },
  exec: {
    summary: 'run a program with values in its output hidden',
    load: async () => (await import('./exec.ts')).registerExec,
  },
  policy: {
    summary: 'check, try and explain a policy',
    load: async () => (await import('./policy.ts')).registerPolicy,
  },
  token: {
    summary: 'create, list and revoke guard tokens',
    load: async () => (await import('./token.ts')).registerToken,
  },
  credential: {
    summary: 'give git short-lived tokens of the guard',
    load: async () => (await import('./credential.ts')).registerCredential,
  },
  approvals: {
    summary: 'list requests for approval and decide about them',
    load: async () => (await import('./approvals.ts')).registerApprovals,
  },
  session: {
    summary: 'list, show and replay what agents did',
    load: async () => (await import('./session.ts')).registerSession,
  },
  posture: {
    summary: 'tell whether settings of repositories leave ways around the guard',
    load: async () => (await import('./posture.ts')).registerPosture,
  },
  report: {
    summary: 'write a report about an agent and a period',
    load: async () => (await import('./report.ts')).registerReport,
  },
  audit: {
    summary: 'verify the audit log and take evidence out of it',
    load: async () => (await import('./audit.ts')).registerAudit,
  },
  witness: {
    summary: 'cosign the checkpoints of audit logs',
    load: async () => (await import('./witness.ts')).registerWitness,
  },
  trailers: {
    summary: 'print the trailers that name an agent and its person',
    load: async () => (await import('./trailers.ts')).registerTrailers,
  },
  doctor: {
    summary: 'check that the guard can work here',
    load: async () => (await import('./doctor.ts')).registerDoctor,
  },
};

/**
 * Has Node keep what it compiled beside the installed packages, as trusted as they are and not in a directory that
 * others may write to. Where that cannot be written everything works, and starts slower.
 */
function keepCompiled(): void {
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/forgeguard', import.meta.url)));
}

async function buildProgram(asked: string | undefined): Promise<Command> {
  const { Command: Program } = await import('commander');
  const { version } = await import('../server/version.ts');
  const program = new Program('forgeguard')
    .description('A guard between AI coding agents and the forge.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(forgeguard --help tells more)')
    .showSuggestionAfterError();
  for (const [name, { summary, load }] of Object.entries(commands)) {
    if (name === asked) (await load())(program);
    else program.command(name).summary(summary).description(summary);
  }
  return program;
}

/** Commands set the exit code themselves; 2 stands for everything that kept a command from doing its work. */
async function main(args: readonly string[]): Promise<void> {
  if (isOldNode(process.versions.node)) {
    process.stderr.write(describeOldNode(process.versions.node));
    process.exitCode = 2;
    return;
  }
  keepCompiled();
  // A reader such as `head` may go away before everything is written.
  process.stdout.on('error', () => process.exit(process.exitCode ?? 0));
  const { exitCodeOf } = await import('./failure.ts');
  try {
    const [first, second] = args.filter((arg) => !arg.startsWith('-'));
    const program = await buildProgram(first === 'help' ? second : first);
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

await main(process.argv.slice(2));
