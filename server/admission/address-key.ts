// By what clients are told apart: an IPv4 address, or the /64 network of an IPv6 address, in which one host may take any
// address it likes.
import { isIPv4, isIPv6 } from 'node:net';

/** The key of an address as the server gives it; what is no address stands for itself. */
export function addressKey(address: string): string {
  const [bare = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? 0 : groupsOf(tail);
  const missing = tail === undefined ? 0 : 8 - groups.length - behind;
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':')];
  const network = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

// A dotted end takes the place of two groups.
function groupsOf(text: string): number {
  return text.split(':').length + (text.includes('.') ? 1 : 0);
}
