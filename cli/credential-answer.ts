// What the credential helper answers to Git, and what it forgets. Standard output is Git's; no token goes anywhere else.
import process from 'node:process';
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
import { exitCodeOf } from './failure.ts';

async function readRequest(): Promise<CredentialRequest> {
  return parseCredentialRequest(await readCredentialMessage(process.stdin));
}

/** True where Git asks for the guard that this helper serves: nobody else gets a word. */
function isForGuard({ protocol, host }: CredentialRequest, guard: URL): boolean {
  const asked = `${protocol}://${host}`;
  return URL.canParse(asked) && new URL(asked).origin === guard.origin;
}

/** Answers Git's question on standard input; nothing where it is not about the guard. */
export async function get(flags: CredentialFlags): Promise<void> {
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

/** Forgets the token that was refused. */
export async function erase(flags: CredentialFlags): Promise<void> {
  const request = await readRequest();
  const settings = await readCredentialSettings(flags);
  if (settings.guard === undefined || !isForGuard(request, settings.guard)) return;
  if (request.secret === undefined) return;
  const session = await openCredentialSession(settings.guard, repositoryOfPath(request.path), settings);
  await session.erase(request.secret);
}
