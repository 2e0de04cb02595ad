// Git's packet lines (gitprotocol-common).
//
//   pkt-line  = data-pkt / flush-pkt / delim-pkt / response-end-pkt
//   data-pkt  = pkt-len *OCTET          ; pkt-len: 4 hex digits, counts itself, 0004 to 65520
//   flush-pkt = "0000"   delim-pkt = "0001"   response-end-pkt = "0002"
import { GuardError } from '../../core/errors.ts';
import type { ByteReader } from './byte-reader.ts';

export type Packet =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'flush' | 'delimiter' | 'response-end' };

/** Bytes of payload that fit into one packet. */
export const maxPayload = 65516;

const kindOfLength: Readonly<Record<number, 'flush' | 'delimiter' | 'response-end'>> = {
  0: 'flush',
  1: 'delimiter',
  2: 'response-end',
};

/** Reads the next packet; undefined at the end of the source. Rejects with `git/malformed`. */
export async function readPacket(reader: ByteReader): Promise<Packet | undefined> {
  const header = await reader.take(4);
  if (header === undefined) return undefined;
  const length = readLength(header);
  const special = kindOfLength[length];
  if (special !== undefined) return { kind: special };
  if (length < 4 || length > maxPayload + 4) {
    throw new GuardError(
      'git/malformed',
      `a packet claims a length of ${length}, expected 4 to ${maxPayload + 4}`,
    );
  }
  const data = length === 4 ? new Uint8Array(0) : await reader.take(length - 4);
  if (data === undefined) throw new GuardError('git/malformed', 'the data ends within a packet');
  return { kind: 'data', data };
}

function readLength(header: Uint8Array): number {
  const text = String.fromCharCode(...header);
  if (!/^[0-9a-fA-F]{4}$/.test(text)) {
    throw new GuardError('git/malformed', 'expected the four hex digits of a packet length');
  }
  return Number.parseInt(text, 16);
}

/** One packet with this payload. Throws where the payload is over `maxPayload`. */
export function packet(payload: string | Uint8Array): Buffer {
  const data = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
  if (data.length > maxPayload) throw new RangeError(`a packet of ${data.length} bytes`);
  return Buffer.concat([Buffer.from((data.length + 4).toString(16).padStart(4, '0'), 'latin1'), data]);
}

export const flushPacket: Readonly<Buffer> = Buffer.from('0000', 'latin1');

/** The payload as text without its trailing newline; bytes that are not UTF-8 become U+FFFD. */
export function packetText(data: Uint8Array): string {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
