// Where a browser's request comes from. A request that changes something must come from the guard's own pages: by what the
// browser itself says of its origin, which no page can set, and by a token that only a page of this session has.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { GuardError } from '../../core/errors.ts';
import type { BrowserRequest } from '../../core/people-services.ts';

const harmless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The token that forms of a session carry; who has not the cookie cannot make it. */
export function csrfTokenOf(cookie: string): string {
  return createHmac('sha256', cookie).update('forgeguard csrf').digest('base64url');
}

/**
 * Throws `web/cross-site` where a request that changes something is not from the guard's own pages. `cookie` is the value
 * of the session's cookie, `own` the guard's origin.
 */
export function demandOwnPage(request: BrowserRequest, cookie: string, own: string): void {
  if (harmless.has(request.method)) return;
  const { origin, fetchSite } = request;
  const isSaidToBeOwn = fetchSite === undefined ? origin !== undefined : fetchSite === 'same-origin';
  const isOwn = isSaidToBeOwn && (origin === undefined || origin === own);
  if (!isOwn || !isSameText(request.csrf ?? '', csrfTokenOf(cookie)))
    throw new GuardError('web/cross-site', 'this request does not come from a page of this session');
}

/** Compares in constant time. */
export function isSameText(some: string, other: string): boolean {
  const [a, b] = [Buffer.from(some), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * A path of the guard's pages to go on to; anything else becomes the start page, so that no link through the guard leads
 * elsewhere. `text` is attacker-controlled.
 */
export function ownPath(text: unknown): string {
  const start = '/ui';
  if (typeof text !== 'string' || text.length > 500 || !/^\/ui(?:[/?]|$)/.test(text)) return start;
  if (!/^[A-Za-z0-9/_?=&.~%-]+$/.test(text)) return start;
  const url = URL.parse(text, 'http://guard.invalid');
  // Dots in the path could lead out of the pages.
  return url?.origin === 'http://guard.invalid' && /^\/ui(?:\/|$)/.test(url.pathname)
    ? url.pathname + url.search
    : start;
}
