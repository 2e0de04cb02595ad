// `forgeguard credential`: a credential helper of Git (git-credential(1)) that gets short-lived session tokens of the guard
// from whatever says who an agent is. Git starts it at every turn: only what an operation needs is loaded.
import process from 'node:process';
import type { Command } from 'commander';
import { GuardError } from '../core/errors.ts';
import { readCredentialMessage } from './credential-protocol.ts';
import type { CredentialFlags } from './credential-settings.ts';
import type { SetupFlags } from './credential-setup.ts';

async function other(operation: string | undefined): Promise<void> {
  if (operation === undefined || process.stdin.isTTY)
    throw new GuardError('input/invalid', 'the operations are get, store, erase, setup and status');
  await readCredentialMessage(process.stdin);
}

/** Only what the guard gives is kept, when it gives it. */
async function store(): Promise<void> {
  await readCredentialMessage(process.stdin);
}

/** Adds `credential` and what is below it to the program. */
export function registerCredential(program: Command): void {
  const credential = program
    .command('credential')
    .description('credential helper of Git: short-lived tokens of the guard instead of passwords')
    .option('--guard <url>', 'URL of the guard; else FORGEGUARD_URL')
    .option('--source <name>', 'where the identity comes from; `status` lists the sources')
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
    .action(async () => (await import('./credential-answer.ts')).get(flags()));
  credential.command('store').description('take note of a credential that worked').action(store);
  credential
    .command('erase')
    .description('forget a token that was refused')
    .action(async () => (await import('./credential-answer.ts')).erase(flags()));
  credential
    .command('setup')
    .description('write into Git’s configuration that this helper is asked for the guard')
    .argument('<url>', 'URL of the guard')
    .option('--global', 'in the configuration of the user; so it is anyway')
    .option('--local', 'in the configuration of the repository here')
    .option('--remove', 'take it out again')
    .action(async (url: string, own: Pick<SetupFlags, 'local' | 'remove'>) =>
      (await import('./credential-setup.ts')).setUp(url, { ...flags(), ...own }),
    );
  credential
    .command('status')
    .description('say which identity would be used')
    .option('--repository <name>', 'look for the token that is kept for it: forge/owner/repo')
    .action(async (own: { readonly repository?: string }) =>
      (await import('./credential-status.ts')).status({ ...flags(), ...own }),
    );
}
