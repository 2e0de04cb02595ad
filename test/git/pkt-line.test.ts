// Packet lines and side bands, cut at any byte.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../server/git/byte-reader.ts';
import { flushPacket, maxPayload, packet, packetText, readPacket } from '../../server/git/pkt-line.ts';
import { readSideBand, sideBand } from '../../server/git/side-band.ts';

async function* chunks(data: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (let turn = 0; start < data.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield data.subarray(start, start + size);
    start += size;
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 });

describe('pkt-line', () => {
  it('reads what it writes, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }),
        cuts,
        async (payloads, sizes) => {
          const stream = Buffer.concat([...payloads.map((payload) => packet(payload)), flushPacket]);
          const reader = new ByteReader(chunks(stream, sizes));
          for (const payload of payloads) {
            const read = await readPacket(reader);
            expect(read?.kind).toBe('data');
            expect(read?.kind === 'data' && Buffer.from(payload).equals(read.data)).toBe(true);
          }
          expect(await readPacket(reader)).toEqual({ kind: 'flush' });
          expect(await readPacket(reader)).toBeUndefined();
        },
      ),
    );
  });

  it('refuses a stream that ends within a packet, at every byte', async () => {
    const whole = packet('hello');
    for (let end = 1; end < whole.length; end += 1) {
      const reader = new ByteReader(chunks(whole.subarray(0, end), [3]));
      await expect(readPacket(reader)).rejects.toMatchObject({ code: 'git/malformed' });
    }
  });

  it.each(['zzzz', '0003', 'fff1', 'ffff', '00 4', '-001'])('refuses the length %s', async (length) => {
    const reader = new ByteReader(chunks(Buffer.from(`${length}data`), [8]));
    await expect(readPacket(reader)).rejects.toMatchObject({ code: 'git/malformed' });
  });

  it('reads delimiters and the empty packet', async () => {
    const reader = new ByteReader(chunks(Buffer.from('000100020004'), [5]));
    expect(await readPacket(reader)).toEqual({ kind: 'delimiter' });
    expect(await readPacket(reader)).toEqual({ kind: 'response-end' });
    expect(await readPacket(reader)).toEqual({ kind: 'data', data: new Uint8Array(0) });
  });

  it('will not write a packet that cannot be read', () => {
    expect(packet(new Uint8Array(maxPayload)).toString('latin1', 0, 4)).toBe('fff0');
    expect(() => packet(new Uint8Array(maxPayload + 1))).toThrow(RangeError);
  });

  it('takes one trailing newline off a text', () => {
    expect(packetText(Buffer.from('a\n\n'))).toBe('a\n');
    expect(packetText(Buffer.from('a'))).toBe('a');
  });
});

describe('side-band-64k', () => {
  it('carries data of any length on each band', async () => {
    for (const length of [0, 1, maxPayload - 1, maxPayload, 3 * maxPayload + 7]) {
      const data = Buffer.alloc(length, 'x');
      const stream = Buffer.concat([sideBand(2, data), sideBand(1, Buffer.from('r')), flushPacket]);
      const got: Buffer[] = [];
      for await (const part of readSideBand(new ByteReader(chunks(stream, [1000]))))
        if (part.band === 2) got.push(Buffer.from(part.data));
      expect(Buffer.concat(got).equals(data)).toBe(true);
    }
  });

  it('refuses a band that there is not', async () => {
    const reader = new ByteReader(chunks(packet(Buffer.of(4, 1)), [9]));
    await expect(readSideBand(reader).next()).rejects.toMatchObject({ code: 'upstream/invalid' });
  });
});
