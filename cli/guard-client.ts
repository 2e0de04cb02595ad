// Talks to the API of a running guard. The token goes to the guard that was named and nowhere else; what it answers is
// checked before it is believed.
import type { z } from 'zod';
import { asGuardError, type ErrorCode, errorTable, GuardError } from '../core/errors.ts';
import { parseBaseUrl, formatBaseUrl, isPlainRemote } from '../server/address.ts';
import { apiBase } from '../server/api/api-base.ts';
import { errorBody } from '../server/api/json-errors.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { environment, loadConfig } from '../server/config.ts';
import { readSandboxFile } from '../server/sandbox.ts';

export interface GuardFlags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly config?: string;
  readonly dangerouslyAllowPlainHttp?: true;
}

export interface GuardClient {
  /** GETs, or POSTs where there is a body. Rejects with the guard's own error, or with `guard/unreachable`. */
  call<T>(schema: z.ZodType<T>, path: string, body?: object): Promise<T>;
  /** GETs what is no JSON, piece by piece. Rejects in the same way, also in the middle. */
  download(path: string): AsyncIterable<Uint8Array>;
}

const answerMs = 90_000;
const longestAnswer = 32 * 2 ** 20;
const longestToken = 16_384;

/** Finds the guard and the credential: flags, then the environment, then the sandbox that runs here with one of its tokens. */
export async function connectToGuard(
  flags: GuardFlags,
  sandboxToken: 'reviewerToken' | 'adminToken' = 'reviewerToken',
): Promise<GuardClient> {
  const env = environment();
  const named = flags.url ?? (env['FORGEGUARD_URL'] || undefined);
  const given =
    flags.tokenFile === undefined ? env['FORGEGUARD_TOKEN'] || undefined : await readToken(flags.tokenFile);
  const sandbox = named === undefined || given === undefined ? await findSandbox(flags.config) : undefined;
  const base = readUrl(named ?? sandbox?.url, flags);
  // The sandbox's token is for the sandbox.
  const isSandbox =
    sandbox !== undefined && formatBaseUrl(readUrl(sandbox.url, flags)) === formatBaseUrl(base);
  const token = given ?? (isSandbox ? sandbox[sandboxToken] : undefined);
  if (token === undefined)
    throw new GuardError('input/invalid', 'no token: set FORGEGUARD_TOKEN, or name a file with --token-file');
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new GuardError('input/invalid', 'the token has characters that no token has');
  return {
    call: (schema, path, body) => call(schema, base, token, path, body),
    download: (path) => download(base, token, path),
  };
}

async function findSandbox(config: string | undefined): ReturnType<typeof readSandboxFile> {
  const { dataDir } = await loadConfig({ file: config, env: environment() });
  return readSandboxFile(dataDir);
}

function readUrl(text: string | undefined, flags: GuardFlags): URL {
  if (text === undefined)
    throw new GuardError('input/invalid', 'which guard? Name it with --url or FORGEGUARD_URL');
  const url = parseBaseUrl(text);
  if (url === undefined)
    throw new GuardError('input/invalid', 'the URL of the guard is written https://HOST[:PORT]');
  if (isPlainRemote(url) && flags.dangerouslyAllowPlainHttp !== true)
    throw new GuardError(
      'input/invalid',
      'http to another machine would show your token to the network: use https, or --dangerously-allow-plain-http',
    );
  return url;
}

async function readToken(file: string): Promise<string> {
  const bytes = await readBoundedFile(file, longestToken).catch((cause: unknown) => {
    throw new GuardError('input/unreadable', `couldn't read the token file ${file}`, { cause });
  });
  const token = bytes?.toString('utf8').trim() ?? '';
  if (token === '') throw new GuardError('input/invalid', `the token file ${file} is empty or too large`);
  return token;
}

async function call<T>(
  schema: z.ZodType<T>,
  base: URL,
  token: string,
  path: string,
  body: object | undefined,
): Promise<T> {
  const { status, text } = await send(base, token, path, body);
  const answer = parseJson(text);
  if (status === 200) {
    const read = schema.safeParse(answer);
    if (read.success) return read.data;
  }
  throw refusalIn(answer, status, base);
}

/** The guard's own error, or that there is no guard of this version. */
function refusalIn(answer: unknown, status: number, base: URL): GuardError {
  const refusal = errorBody.safeParse(answer);
  if (status === 200 || !refusal.success)
    return new GuardError(
      'guard/unreachable',
      `what answered at ${base.origin} (${status}) is not the API of a guard of this version`,
    );
  const { code, message } = refusal.data.error;
  return new GuardError(isKnown(code) ? code : 'internal', message);
}

async function* download(base: URL, token: string, path: string): AsyncGenerator<Uint8Array> {
  const response = await reach(base, token, path, undefined);
  if (response.status !== 200) throw refusalIn(parseJson(await readCapped(response)), response.status, base);
  try {
    const parts: AsyncIterable<Uint8Array> | null = response.body;
    yield* parts ?? [];
  } catch (cause) {
    throw new GuardError('guard/unreachable', `the guard at ${base.origin} broke off`, { cause });
  }
}

async function send(
  base: URL,
  token: string,
  path: string,
  body: object | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await reach(base, token, path, body);
  return { status: response.status, text: await readCapped(response) };
}

async function reach(base: URL, token: string, path: string, body: object | undefined): Promise<Response> {
  try {
    return await fetch(`${formatBaseUrl(base)}${apiBase}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(answerMs),
    });
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw new GuardError('guard/unreachable', `couldn't reach the guard at ${base.origin}`, {
      cause: reason,
    });
  }
}

async function readCapped(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader: AsyncIterable<Uint8Array> | null = response.body;
  try {
    for await (const part of reader ?? []) {
      length += part.length;
      if (length > longestAnswer)
        throw new GuardError('guard/unreachable', 'the answer of the guard is too long');
      parts.push(part);
    }
  } catch (cause) {
    throw asGuardError(cause, 'guard/unreachable', 'the guard broke off its answer');
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}
