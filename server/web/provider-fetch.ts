// Calls to an identity provider: its certificate authorities, a deadline, a cap on what is read, no redirects.
import { Agent, request } from 'undici';
import type { CustomFetch } from 'openid-client';

const longestAnswer = 1_048_576;
const deadlineMs = 10_000;

/** A fetch for one provider; `ca` is PEM text. Closed with the dispatcher. */
export function createProviderFetch(ca: string | undefined): {
  readonly fetch: CustomFetch;
  readonly close: () => Promise<void>;
} {
  const dispatcher = new Agent({
    connect: { timeout: deadlineMs, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
    connections: 4,
    maxResponseSize: longestAnswer,
  });
  return {
    fetch: async (url, { method, headers, body }) => {
      const answer = await request(url, {
        dispatcher,
        method: method === 'POST' ? 'POST' : 'GET',
        headers,
        body: body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : null,
        signal: AbortSignal.timeout(deadlineMs),
      });
      const bytes = await answer.body.bytes();
      const told = new Headers();
      for (const [name, value] of Object.entries(answer.headers))
        for (const one of [value ?? []].flat()) told.append(name, one);
      const isEmpty = [204, 205, 304].includes(answer.statusCode);
      return new Response(isEmpty ? null : new Uint8Array(bytes), {
        status: answer.statusCode,
        headers: told,
      });
    },
    close: () => dispatcher.close(),
  };
}
