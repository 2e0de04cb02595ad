// One request that carries a credential to one server: no redirects, a deadline, bounded JSON.
import { Agent, request } from 'undici';

export interface JsonAnswer {
  readonly status: number;
  /** Undefined where it is no JSON. */
  readonly body: unknown;
}

const answerMs = 20_000;
const longestAnswer = 1_048_576;

/** GETs, or POSTs a form where there is one. Rejects where no whole answer came. A redirect is an answer. */
export async function sendForJson(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: { readonly form?: URLSearchParams; readonly ca?: string | undefined } = {},
): Promise<JsonAnswer> {
  const dispatcher = new Agent({
    connect: { timeout: 10_000, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    maxResponseSize: longestAnswer,
  });
  try {
    const answer = await request(url, {
      dispatcher,
      method: options.form === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        'user-agent': 'forgeguard',
        ...(options.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      body: options.form?.toString() ?? null,
      signal: AbortSignal.timeout(answerMs),
    });
    return { status: answer.statusCode, body: parse(await answer.body.text()) };
  } finally {
    await dispatcher.destroy();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
