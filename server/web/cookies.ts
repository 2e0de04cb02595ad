// The cookies of the guard. All have the prefix `__Host-`: no other host and no plain page can set them. Browsers take
// such a cookie by http from this very machine, and from nowhere else.
import { parseCookie, stringifySetCookie } from 'cookie';

export const cookieNames = {
  /** Who is signed in. Sent along when somebody follows a link, such as one in a mail; that alone changes nothing. */
  session: '__Host-forgeguard-session',
  /** Binds a sign-in by OpenID Connect to the browser that began it. */
  oidc: '__Host-forgeguard-oidc',
  /** The same for SAML: the provider's answer is a form that another site sends. */
  saml: '__Host-forgeguard-saml',
  /** Holds the one-time link of the first administrator during a sign-in. */
  administrator: '__Host-forgeguard-administrator',
} as const;
export type CookieName = keyof typeof cookieNames;

const sameSite: Readonly<Record<CookieName, 'lax' | 'none'>> = {
  session: 'lax',
  oidc: 'lax',
  saml: 'none',
  administrator: 'none',
};

const valueForm = /^[A-Za-z0-9_-]{43}$/;

/** The value of the cookie; undefined where there is none of the form that the guard sets. */
export function readCookie(header: string | undefined, name: CookieName): string | undefined {
  if (header === undefined || header.length > 16_384) return undefined;
  const value = parseCookie(header)[cookieNames[name]];
  return value !== undefined && valueForm.test(value) ? value : undefined;
}

/** A `Set-Cookie` line. `maxAge` in seconds; without it the cookie ends with the browser. */
export function cookieLine(name: CookieName, value: string, maxAge?: number): string {
  return stringifySetCookie({
    name: cookieNames[name],
    value,
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: sameSite[name],
    ...(maxAge === undefined ? {} : { maxAge }),
  });
}

/** A `Set-Cookie` line that takes the cookie away. */
export function noCookieLine(name: CookieName): string {
  return cookieLine(name, '', 0);
}
