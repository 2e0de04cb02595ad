// Posts JSON to a receiver that the operator has named, and to nobody else: redirects are not followed.
import { Agent } from 'undici';
import { GuardError } from '../../core/errors.ts';
import type { Secret } from '../config.ts';
import { version } from '../version.ts';

export interface Poster {
  /** Fulfils where the receiver answers 2xx; else rejects with `notify/failed`. */
  post(body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const connectMs = 5_000;
const answerMs = 10_000;
const longestAnswer = 65_536;

/** Keeps a few connections to one receiver. */
export function createPoster(url: Secret, ca: string | undefined): Poster {
  const target = new URL(url.reveal());
  const agent = new Agent({
    connect: { timeout: connectMs, ...(ca === undefined ? {} : { ca }) },
    connections: 4,
    pipelining: 1,
    maxResponseSize: longestAnswer,
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
  });
  return {
    post: async (body, headers, signal) => {
      let status: number;
      try {
        const answer = await agent.request({
          origin: target.origin,
          path: target.pathname + target.search,
          method: 'POST',
          headers: {
            'content-type': 'application/json; charset=utf-8',
            'user-agent': `forgeguard/${version}`,
            ...headers,
          },
          body,
          signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
        });
        status = answer.statusCode;
        // The connection is used again only where the answer is short and complete.
        await answer.body.dump({ limit: longestAnswer, signal }).catch(() => undefined);
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer';
        throw new GuardError('notify/failed', `the receiver could not be reached (${code})`, { cause });
      }
      if (status < 200 || status > 299)
        throw new GuardError('notify/failed', `the receiver answered ${status}`);
    },
    close: () => agent.destroy(),
  };
}
