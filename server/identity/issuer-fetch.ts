// Fetches a JSON document of an issuer. The issuer is trusted by the operator, the network is not: small answers, soon,
// without redirects.
import { Agent } from 'undici';

const deadlineMs = 5_000;
const longestDocument = 262_144;

export interface DocumentSource extends AsyncDisposable {
  /** Rejects where the answer is late, long, not 200 or not JSON. */
  get(url: URL): Promise<unknown>;
}

/** Keeps a connection to one issuer; `ca` is PEM text instead of the system's authorities. */
export function createDocumentSource(ca: string | undefined): DocumentSource {
  const agent = new Agent({
    connect: { timeout: deadlineMs, ...(ca === undefined ? {} : { ca }) },
    connections: 2,
    pipelining: 1,
    keepAliveTimeout: 1_000,
    maxResponseSize: longestDocument,
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
  });
  return {
    get: async (url) => {
      const answer = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(deadlineMs),
      });
      if (answer.statusCode !== 200) {
        await answer.body.dump({ limit: longestDocument }).catch(() => undefined);
        throw new Error(`the issuer answered ${answer.statusCode}`);
      }
      return answer.body.json();
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}
