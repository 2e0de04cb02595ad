// Posts batches to a receiver that the operator has named, and to nobody else: redirects are not followed. An answer of
// 2xx is the receipt. Answers about the content (400, 413, 415, 422) are refusals; all others say "not now".
import { Agent } from 'undici';
import { GuardError } from '../../core/errors.ts';
import { recordText, type ShippedItem } from '../../core/shipped-record.ts';
import type { HttpFormat, HttpSink } from '../config.ts';
import { version } from '../version.ts';
import { cefText } from './cef.ts';
import { ocsfEvent } from './ocsf.ts';
import { type Delivery, problemOf, type Sink } from './sink.ts';

const connectMs = 5_000;
const answerMs = 20_000;
const longestAnswer = 65_536;
const contentRefusals = new Set([400, 413, 415, 422]);
const longestWaitMs = 300_000;

interface Form {
  readonly type: string;
  readonly body: (log: string, items: readonly ShippedItem[]) => string;
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');
const forms: Readonly<Record<HttpFormat, Form>> = {
  json: {
    type: 'application/x-ndjson',
    body: (log, items) => lines(items.map((item) => recordText(log, item))),
  },
  ocsf: {
    type: 'application/json',
    body: (log, items) => JSON.stringify(items.map((item) => ocsfEvent(log, item, new Date()))),
  },
  cef: {
    type: 'text/plain; charset=utf-8',
    body: (log, items) => lines(items.map((item) => cefText(log, item))),
  },
};

function retryAfter(header: unknown): { readonly waitMs?: number } {
  const text = typeof header === 'string' ? header : '';
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? { waitMs: Math.min(ms, longestWaitMs) } : {};
}

/** Opens the sink; nothing is connected yet. */
export function createHttpSink(settings: HttpSink, log: string): Sink {
  const target = new URL(settings.url.reveal());
  const form = forms[settings.format];
  const agent = new Agent({
    connect: {
      timeout: connectMs,
      ...(settings.ca === undefined ? {} : { ca: settings.ca }),
      ...(settings.client === undefined
        ? {}
        : { cert: settings.client.certificate, key: settings.client.key.reveal() }),
    },
    connections: 1,
    pipelining: 1,
    maxResponseSize: longestAnswer,
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
  });
  const headers = Object.fromEntries(settings.headers.map(({ name, value }) => [name, value.reveal()]));

  async function ask(method: 'POST' | 'OPTIONS', body: string, signal: AbortSignal) {
    const answer = await agent.request({
      origin: target.origin,
      path: target.pathname + target.search,
      method,
      headers: {
        'user-agent': `forgeguard/${version}`,
        ...headers,
        ...(method === 'POST' ? { 'content-type': form.type } : {}),
      },
      ...(method === 'POST' ? { body } : {}),
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    // The connection is used again only where the answer is short and complete.
    await answer.body.dump({ limit: longestAnswer, signal }).catch(() => undefined);
    return answer;
  }

  return {
    connect: async () => ({ kind: 'taken' }),
    deliver: async ({ items }, signal): Promise<Delivery> => {
      try {
        const { statusCode, headers: told } = await ask('POST', form.body(log, items), signal);
        if (statusCode >= 200 && statusCode <= 299) return { kind: 'taken' };
        const problem = `HTTP ${statusCode}`;
        return contentRefusals.has(statusCode)
          ? { kind: 'refused', problem }
          : { kind: 'later', problem, ...retryAfter(told['retry-after']) };
      } catch (thrown) {
        return { kind: 'later', problem: problemOf(thrown) };
      }
    },
    probe: async (signal) => {
      // Asks without sending: what the receiver answers to that says at least that it is there.
      let status: number;
      try {
        status = (await ask('OPTIONS', '', signal)).statusCode;
      } catch (cause) {
        throw new GuardError('sink/failed', `the receiver could not be reached (${problemOf(cause)})`, {
          cause,
        });
      }
      if (status >= 500 || status === 401 || status === 403)
        throw new GuardError('sink/failed', `the receiver answers ${status}`);
      return `${target.host} answers`;
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}
