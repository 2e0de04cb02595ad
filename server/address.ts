// Addresses in the configuration: what may be listened on, what may be called, and what stays on this machine.
import { isIPv4, isIPv6 } from 'node:net';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port` or `[ipv6]:port`; undefined where it is neither. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, bracketed, plain, portText] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const port = parsePort(portText ?? '');
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) return undefined;
  return bracketed === undefined || isIPv6(bracketed) ? { host, port } : undefined;
}

/** Reads a TCP port; 0 lets the system choose. */
export function parsePort(text: string): number | undefined {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : NaN;
  return port <= 65_535 ? port : undefined;
}

/** True where the name or address can only mean this machine. */
export function isLoopback(host: string): boolean {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

/** Reads an http or https URL without user, query and fragment; the trailing slashes of its path are dropped. */
export function parseBaseUrl(text: string): URL | undefined {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return undefined;
  const url = new URL(text);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  if (!isHttp || url.username !== '' || url.password !== '' || url.hostname === '') return undefined;
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

/** The URL as text, never with a trailing slash. */
export function formatBaseUrl(url: URL): string {
  return url.href.replace(/\/$/, '');
}

/** True where what is sent to the URL crosses a network in the clear. */
export function isPlainRemote(url: URL): boolean {
  return url.protocol === 'http:' && !isLoopback(url.hostname);
}
