// side-band-64k (gitprotocol-pack): packets whose first byte is the band: 1 data, 2 progress, 3 fatal error.
import { GuardError } from '../../core/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import { maxPayload, packet, readPacket } from './pkt-line.ts';

export type Band = 1 | 2 | 3;

/** Cuts `data` into packets of one band. An empty `data` makes one empty packet, which keeps a connection alive. */
export function sideBand(band: Band, data: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start === 0 || start < data.length; start += maxPayload - 1) {
    parts.push(packet(Buffer.concat([Buffer.of(band), data.subarray(start, start + maxPayload - 1)])));
  }
  return Buffer.concat(parts);
}

/** Splits a side-band stream; ends at the flush packet or the end of the source. */
export async function* readSideBand(
  reader: ByteReader,
): AsyncGenerator<{ readonly band: Band; readonly data: Uint8Array }> {
  for (let next = await readPacket(reader); next?.kind === 'data'; next = await readPacket(reader)) {
    const band = next.data[0];
    if (band === undefined) continue;
    if (band !== 1 && band !== 2 && band !== 3) {
      throw new GuardError('upstream/invalid', `the upstream used side band ${band}, expected 1 to 3`);
    }
    yield { band, data: next.data.subarray(1) };
  }
}
