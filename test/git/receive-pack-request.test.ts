// The request of a push: what is read, and what is refused with which code.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../server/git/byte-reader.ts';
import { flushPacket, packet } from '../../server/git/pkt-line.ts';
import { readReceivePackRequest } from '../../server/git/receive-pack-request.ts';

const zero = '0'.repeat(40);
const one = '1'.repeat(40);
const two = '2'.repeat(40);
const limits = { refUpdates: 3, pushOptions: 2, refNameBytes: 100 };

function readerOf(...parts: readonly Uint8Array[]): ByteReader {
  return new ByteReader(
    (async function* () {
      yield Buffer.concat(parts);
    })(),
  );
}

function read(...parts: readonly Uint8Array[]): ReturnType<typeof readReceivePackRequest> {
  return readReceivePackRequest(readerOf(...parts), limits);
}

const command = (old: string, now: string, ref: string, capabilities = ''): Buffer =>
  packet(`${old} ${now} ${ref}\0${capabilities}`);

describe('receive-pack request', () => {
  it('reads commands, capabilities, shallow lines and options, and leaves the pack', async () => {
    const reader = readerOf(
      packet(`shallow ${two}\n`),
      command(zero, one, 'refs/heads/a', ' report-status push-options agent=git/2'),
      packet(`${one} ${two} refs/heads/b\n`),
      flushPacket,
      packet('one=1'),
      flushPacket,
      Buffer.from('PACK…'),
    );
    const request = await readReceivePackRequest(reader, limits);
    expect(request).toMatchObject({
      commands: [
        { ref: 'refs/heads/a', oldOid: zero, newOid: one },
        { ref: 'refs/heads/b', oldOid: one, newOid: two },
      ],
      objectFormat: 'sha1',
      shallow: [two],
      pushOptions: ['one=1'],
      hasPack: true,
    });
    expect(request?.capabilities.has('report-status')).toBe(true);
    expect(Buffer.from((await reader.some(100)) ?? []).toString()).toBe('PACK…');
  });

  it('takes a lone flush as the probe of a chunked push', async () => {
    expect(await read(flushPacket)).toBeUndefined();
  });

  it('expects no pack where every command deletes', async () => {
    expect(await read(command(one, zero, 'refs/heads/a'), flushPacket)).toMatchObject({ hasPack: false });
  });

  it('reads ids of the format that the client names', async () => {
    const long = 'a'.repeat(64);
    const request = await read(
      command('0'.repeat(64), long, 'refs/heads/a', 'object-format=sha256'),
      flushPacket,
    );
    expect(request).toMatchObject({ objectFormat: 'sha256' });
    await expect(
      read(command(zero, one, 'refs/heads/a', 'object-format=sha256'), flushPacket),
    ).rejects.toMatchObject({
      code: 'git/malformed',
      message: 'expected an object id in sha256 as old object id',
    });
  });

  const bad: readonly (readonly [string, readonly Uint8Array[], string])[] = [
    ['a ref outside refs/', [command(zero, one, 'HEAD'), flushPacket], 'git/malformed'],
    ['two dots in a ref', [command(zero, one, 'refs/heads/a..b'), flushPacket], 'git/malformed'],
    ['a control character in a ref', [command(zero, one, 'refs/heads/a\x1bb'), flushPacket], 'git/malformed'],
    ['a ref that ends in .lock', [command(zero, one, 'refs/heads/a.lock'), flushPacket], 'git/malformed'],
    [
      'the same ref twice',
      [command(zero, one, 'refs/heads/a'), packet(`${zero} ${two} refs/heads/a`), flushPacket],
      'git/malformed',
    ],
    ['upper-case ids', [command(zero, 'A'.repeat(40), 'refs/heads/a'), flushPacket], 'git/malformed'],
    ['no flush', [command(zero, one, 'refs/heads/a')], 'git/malformed'],
    ['shallow lines alone', [packet(`shallow ${two}`), flushPacket], 'git/malformed'],
    ['a push certificate', [packet('push-cert\0report-status'), flushPacket], 'git/unsupported'],
    ['a long ref', [command(zero, one, `refs/heads/${'a'.repeat(100)}`), flushPacket], 'git/limit'],
    [
      'too many refs',
      [
        command(zero, one, 'refs/heads/a'),
        ...['b', 'c', 'd'].map((name) => packet(`${zero} ${one} refs/heads/${name}`)),
        flushPacket,
      ],
      'git/limit',
    ],
    [
      'too many options',
      [
        command(zero, one, 'refs/heads/a', 'push-options'),
        flushPacket,
        packet('1'),
        packet('2'),
        packet('3'),
        flushPacket,
      ],
      'git/limit',
    ],
  ];
  it.each(bad)('refuses %s', async (_name, parts, code) => {
    await expect(read(...parts)).rejects.toMatchObject({ code });
  });

  it('gives a value or a GuardError for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (noise) => {
        const result = await read(command(zero, one, 'refs/heads/a', 'push-options'), noise).catch(
          (error: unknown) => error,
        );
        if (result instanceof Error) expect(result).toMatchObject({ name: 'GuardError' });
      }),
    );
  });
});
