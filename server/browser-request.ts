// What a request says as one of a browser: everything in it is attacker-controlled, but no page can set `Origin` and
// `Sec-Fetch-Site` of the requests that it makes a browser send.
import type { FastifyRequest } from 'fastify';
import type { BrowserRequest } from '../core/people-services.ts';

/** The header by which scripts of the guard's pages send their token. */
const csrfHeader = 'x-forgeguard-csrf';

/** Reads it from the request; `csrf` is the token of a form, where the request is one. */
export function browserRequestOf({ method, headers }: FastifyRequest, csrf?: unknown): BrowserRequest {
  const site = headers['sec-fetch-site'];
  const token = headers[csrfHeader];
  return {
    method,
    cookie: headers.cookie,
    origin: headers.origin,
    fetchSite: typeof site === 'string' ? site : undefined,
    csrf: typeof csrf === 'string' ? csrf : typeof token === 'string' ? token : undefined,
  };
}
