// What Git and a credential helper say to each other (git-credential(1), "Input/output format"):
//
//   message = *( key "=" value LF ) [ LF ]        key without "=", LF, NUL; value without LF, NUL
//
// Git repeats keys that end in "[]", and ignores keys that it does not know.
import { GuardError } from '../core/errors.ts';

/** What Git asks or tells. All of it may come from the URL of a hostile repository. */
export interface CredentialRequest {
  readonly protocol: string;
  /** With the port, where the URL names one. */
  readonly host: string;
  /** Without a leading slash; undefined unless `credential.useHttpPath` is on. */
  readonly path: string | undefined;
  /** What was refused or taken: the password, or the token of an answer in the newer form. */
  readonly secret: string | undefined;
  /** True where Git takes a ready Authorization (2.46 and newer). */
  readonly takesAuthtype: boolean;
}

/** What Git gets: a token until a time in seconds since 1970, or the request to stop asking anybody. */
export type CredentialAnswer =
  { readonly kind: 'token'; readonly token: string; readonly expiresAt: number } | { readonly kind: 'quit' };

const longestMessage = 65_536;
/** Git wants a user name; the guard does not look at it. */
const username = 'x-guard';

/** Reads a message up to its blank line or end. Rejects with `input/invalid`. */
export async function readCredentialMessage(source: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of source) {
    length += part.length;
    if (length > longestMessage)
      throw new GuardError('input/invalid', `what Git says is longer than ${longestMessage} bytes`);
    parts.push(part);
    if (isWhole(Buffer.concat(parts))) break;
  }
  return Buffer.concat(parts).toString('utf8');
}

function isWhole(bytes: Buffer): boolean {
  return bytes.indexOf('\n\n') >= 0 || bytes[0] === 0x0a;
}

/** Throws `input/invalid` at what is no such message. Pure. */
export function parseCredentialRequest(text: string): CredentialRequest {
  const values = new Map<string, string>();
  const capabilities = new Set<string>();
  for (const line of (text.split('\n\n')[0] ?? '').split('\n')) {
    if (line === '') continue;
    const equals = line.indexOf('=');
    if (equals < 1 || line.includes('\0'))
      throw new GuardError('input/invalid', 'what Git says is not the protocol of credential helpers');
    const [key, value] = [line.slice(0, equals), line.slice(equals + 1)];
    if (key === 'capability[]') capabilities.add(value);
    else values.set(key, value);
  }
  return {
    protocol: values.get('protocol') ?? '',
    host: values.get('host') ?? '',
    path: values.get('path'),
    secret: values.get('credential') ?? values.get('password'),
    takesAuthtype: capabilities.has('authtype'),
  };
}

/** The text of an answer. Pure. */
export function formatCredentialAnswer(request: CredentialRequest, answer: CredentialAnswer): string {
  const lines = answer.kind === 'quit' ? ['quit=1'] : tokenLines(request, answer);
  return `${lines.join('\n')}\n`;
}

function tokenLines(
  { takesAuthtype }: CredentialRequest,
  { token, expiresAt }: Extract<CredentialAnswer, { readonly kind: 'token' }>,
): readonly string[] {
  const expiry = `password_expiry_utc=${Math.floor(expiresAt)}`;
  return takesAuthtype
    ? ['capability[]=authtype', 'authtype=Bearer', `credential=${token}`, 'ephemeral=1', expiry]
    : [`username=${username}`, `password=${token}`, expiry];
}

/** The repository `<forge>/<path>` that a path at the guard means; undefined where it means none. */
export function repositoryOfPath(path: string | undefined): string | undefined {
  const found = /^\/?git\/(.+?)(?:\.git)?(?:\/info\/lfs(?:\/.*)?)?\/?$/.exec(path ?? '')?.[1];
  return found !== undefined && /^[a-z0-9][a-z0-9-]*(?:\/[A-Za-z0-9_~][A-Za-z0-9._~+-]*)+$/.test(found)
    ? found.toLowerCase()
    : undefined;
}
