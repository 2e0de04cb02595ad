// One request that carries a credential to one server: no redirects, a deadline, bounded JSON, https but on this machine.
import { GuardError } from '../core/errors.ts';

export interface JsonAnswer {
  readonly status: number;
  /** Undefined where it is no JSON. */
  readonly body: unknown;
}

export interface JsonRequest {
  readonly token?: string | undefined;
  readonly form?: URLSearchParams;
  readonly json?: unknown;
}

const answerMs = 20_000;
const longestAnswer = 2 * 1024 * 1024;

/** True for an address to which a credential may be sent. */
export function isSafeAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
  );
}

/** GETs, or POSTs where there is a form or a document. Rejects with `guard/unreachable` where no whole answer came. */
export async function sendForJson(url: URL, { token, form, json }: JsonRequest): Promise<JsonAnswer> {
  const body = form?.toString() ?? (json === undefined ? undefined : JSON.stringify(json));
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  try {
    const answer = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        'user-agent': 'forgeguard-action',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      body: body ?? null,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    });
    return { status: answer.status, body: parse(await bounded(answer)) };
  } catch (error) {
    if (error instanceof GuardError) throw error;
    throw new GuardError('guard/unreachable', `couldn't reach ${url.origin}`, { cause: error });
  }
}

async function bounded(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<unknown> | readonly unknown[] = answer.body ?? [];
  for await (const part of body) {
    if (!(part instanceof Uint8Array)) continue;
    size += part.length;
    if (size > longestAnswer) throw new GuardError('guard/unreachable', 'the answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
