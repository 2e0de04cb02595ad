// Reports on a push, written and read.
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../server/git/byte-reader.ts';
import { packet } from '../../server/git/pkt-line.ts';
import { readReport, refuseAll, type Report, writeReport } from '../../server/git/report-status.ts';

const report: Report = {
  unpack: 'ok',
  refs: [
    { kind: 'ok', ref: 'refs/heads/a', options: ['refname refs/heads/b', 'forced-update'] },
    { kind: 'ng', ref: 'refs/heads/c', message: 'not today' },
  ],
};

function readerOf(data: Uint8Array): ByteReader {
  return new ByteReader(
    (async function* () {
      for (const byte of data) yield Uint8Array.of(byte);
    })(),
  );
}

describe('report-status', () => {
  it('reads what it writes in version 2', async () => {
    expect(await readReport(readerOf(writeReport(report, 2)))).toEqual(report);
  });

  it('leaves options out in version 1', async () => {
    const read = await readReport(readerOf(writeReport(report, 1)));
    expect(read.refs[0]).toEqual({ kind: 'ok', ref: 'refs/heads/a', options: [] });
  });

  it('keeps a message on its line', () => {
    const written = writeReport(refuseAll(['refs/heads/a'], 'one\ntwo\0three\rfour'), 1).toString();
    expect(written).toContain('ng refs/heads/a one two three four\n');
  });

  it.each([
    ['no unpack line', packet('ok refs/heads/a\n')],
    ['a foreign line', Buffer.concat([packet('unpack ok\n'), packet('maybe refs/heads/a\n')])],
    ['an option before any ref', Buffer.concat([packet('unpack ok\n'), packet('option forced-update\n')])],
  ])('refuses %s', async (_name, data) => {
    await expect(readReport(readerOf(data))).rejects.toMatchObject({ code: 'upstream/invalid' });
  });
});
