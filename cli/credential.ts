// `forgeguard credential`: a credential helper of Git (git-credential(1)) that gets short-lived session tokens of the guard
// from whatever says who an agent is. Standard output is Git's; no token ever goes anywhere else.
import process from 'node:process';
import { type Command, Option } from 'commander';
import { GuardError } from '../core/errors.ts';
import {
  type CredentialAnswer,
  type CredentialRequest,
  formatCredentialAnswer,
  parseCredentialRequest,
  readCredentialMessage,
  repositoryOfPath,
} from './credential-protocol.ts';
import { openCredentialSession } from './credential-session.ts';
import { type CredentialFlags, readCredentialSettings } from './credential-settings.ts';
import { setUp, type SetupFlags } from './credential-setup.ts';
import { exitCodeOf } from './failure.ts';
import { chooseSource, needsOf, sourceNames } from './token-sources.ts';

async function readRequest(): Promise<CredentialRequest> {
  return parseCredentialRequest(await readCredentialMessage(process.stdin));
}

/** True where Git asks for the guard that this helper serves: nobody else gets a word. */
function isForGuard({ protocol, host }: CredentialRequest, guard: URL): boolean {
  const asked = `${protocol}://${host}`;
  return URL.canParse(asked) && new URL(asked).origin === guard.origin;
}

async function get(flags: CredentialFlags): Promise<void> {
  const request = await readRequest();
  const settings = await readCredentialSettings(flags);
  if (settings.guard === undefined || !isForGuard(request, settings.guard)) return;
  let answer: CredentialAnswer;
  try {
    const session = await openCredentialSession(settings.guard, repositoryOfPath(request.path), settings);
    answer = { kind: 'token', ...(await session.token()) };
  } catch (thrown) {
    // Nobody else has a credential of the guard: Git is to stop instead of asking a person for a password.
    process.exitCode = exitCodeOf(thrown);
    answer = { kind: 'quit' };
  }
  process.stdout.write(formatCredentialAnswer(request, answer));
}

async function erase(flags: CredentialFlags): Promise<void> {
  const request = await readRequest();
  const settings = await readCredentialSettings(flags);
  if (settings.guard === undefined || !isForGuard(request, settings.guard)) return;
  if (request.secret === undefined) return;
  const session = await openCredentialSession(settings.guard, repositoryOfPath(request.path), settings);
  await session.erase(request.secret);
}

async function other(operation: string | undefined): Promise<void> {
  if (operation === undefined || process.stdin.isTTY)
    throw new GuardError('input/invalid', 'the operations are get, store, erase, setup and status');
  await readRequest();
}

/** Only what the guard gives is kept, when it gives it. */
async function store(): Promise<void> {
  await readRequest();
}

async function status(flags: CredentialFlags & { readonly repository?: string }): Promise<void> {
  const settings = await readCredentialSettings(flags);
  const row = (name: string, text: string): void => void process.stdout.write(`${name.padEnd(15)} ${text}\n`);
  row('guard', settings.guard?.origin ?? 'none: name it with --guard or FORGEGUARD_URL');
  const chosen = await chooseSource(settings.source, settings.forSources).catch((thrown: unknown) => {
    if (thrown instanceof GuardError) return thrown;
    throw thrown;
  });
  row(
    'source',
    chosen instanceof GuardError ? `none: ${chosen.message}` : `${chosen.name}: ${chosen.found.shown}`,
  );
  const isTold = flags.repository !== undefined || settings.scope !== undefined;
  if (
    settings.guard !== undefined &&
    !(chosen instanceof GuardError) &&
    (isTold || chosen.name !== 'login')
  ) {
    const session = await openCredentialSession(settings.guard, flags.repository, settings);
    const kept = await session.kept();
    const until = (kept?.expiresAt ?? 0) * 1000;
    row('kept token', until > Date.now() ? `until ${new Date(until).toISOString()}` : 'none');
  }
  process.stdout.write('\nlooked for, in this order:\n');
  for (const name of sourceNames) row(name, needsOf(name));
  if (settings.guard === undefined || chosen instanceof GuardError) process.exitCode = 1;
}

/** Adds `credential` and what is below it to the program. */
export function registerCredential(program: Command): void {
  const credential = program
    .command('credential')
    .description('credential helper of Git: short-lived tokens of the guard instead of passwords')
    .option('--guard <url>', 'URL of the guard; else FORGEGUARD_URL')
    .addOption(new Option('--source <name>', 'where the identity comes from').choices(sourceNames))
    .option('--audience <text>', 'whom a token is made for, where its source makes it; else the guard’s URL')
    .option('--token-file <file>', 'file of the source, in place of its own')
    .option('--token-variable <name>', 'environment variable of the source, in place of its own')
    .option('--agent <name>', 'as whom this machine acts for a person who signs in; else user@host')
    .option('--scope <scopes>', 'what it asks that person for; else fetch and push of the one repository')
    .option('--ca-file <file>', 'PEM file with the certificate authorities of the guard')
    .option('--dangerously-allow-plain-http', 'send tokens over http to another machine');
  const flags = (): CredentialFlags => credential.opts();
  // An operation that a later Git may add is none of ours, and no error (git-credential(1)).
  credential.argument('[operation]').action(other);
  credential
    .command('get')
    .description('answer Git’s question')
    .action(() => get(flags()));
  credential.command('store').description('take note of a credential that worked').action(store);
  credential
    .command('erase')
    .description('forget a token that was refused')
    .action(() => erase(flags()));
  credential
    .command('setup')
    .description('write into Git’s configuration that this helper is asked for the guard')
    .argument('<url>', 'URL of the guard')
    .option('--global', 'in the configuration of the user; so it is anyway')
    .option('--local', 'in the configuration of the repository here')
    .option('--remove', 'take it out again')
    .action((url: string, own: Pick<SetupFlags, 'local' | 'remove'>) => setUp(url, { ...flags(), ...own }));
  credential
    .command('status')
    .description('say which identity would be used')
    .option('--repository <name>', 'look for the token that is kept for it: forge/owner/repo')
    .action((own: { readonly repository?: string }) => status({ ...flags(), ...own }));
}
