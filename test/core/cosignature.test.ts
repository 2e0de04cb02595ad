// Cosignatures: the example of the specification, the round trip, and what must not pass.
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createSigner, parseVerifierKey, signCheckpoint, verifierKeyText } from '../../core/checkpoint.ts';
import { cosign, cosignedAt } from '../../core/cosignature.ts';
import { emptyRoot } from '../../core/merkle.ts';

const log = createSigner('guard.example.com/audit', generateKeyPairSync('ed25519').privateKey);
const witness = createSigner('witness.example.org', generateKeyPairSync('ed25519').privateKey, 0x04);
const note = signCheckpoint({ size: 7, root: emptyRoot }, log);
const text = note.slice(0, note.indexOf('\n\n') + 1);
const time = new Date('2026-03-01T12:00:00.000Z');
const line = cosign(text, witness, time);

test('the line begins with the key id and the time', () => {
  const bytes = Buffer.from(line.split(' ')[2] ?? '', 'base64');
  expect(line).toMatch(/^— witness\.example\.org [A-Za-z0-9+/=]+\n$/);
  expect(bytes.length).toBe(4 + 8 + 64);
  expect(bytes.subarray(0, 4).toString('hex')).toBe(witness.keyId);
  expect(Number(bytes.readBigUInt64BE(4))).toBe(time.getTime() / 1000);
});

test('a note that is cosigned tells when', () => {
  expect(cosignedAt(note + line, witness)).toEqual(time);
  expect(cosignedAt(note, witness)).toBeUndefined();
});

test('keys of logs and of witnesses are not taken for each other', () => {
  const vkey = verifierKeyText(witness, 0x04);
  expect(parseVerifierKey(vkey, 0x04)?.keyId).toBe(witness.keyId);
  expect(parseVerifierKey(vkey)).toBeUndefined();
  expect(parseVerifierKey(verifierKeyText(log), 0x04)).toBeUndefined();
});

describe('does not count:', () => {
  const changed = (at: number): string => {
    const bytes = Buffer.from(line.split(' ')[2] ?? '', 'base64');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return `— witness.example.org ${bytes.toString('base64')}\n`;
  };
  test.each([
    ['another time', note + changed(11)],
    ['another signature', note + changed(40)],
    ['another checkpoint', signCheckpoint({ size: 8, root: emptyRoot }, log) + line],
    ['a bad one beside a good one', note + line + changed(40)],
    ['a plain signature of the text', signCheckpoint({ size: 7, root: emptyRoot }, witness)],
  ])('%s', (_name, forged) => expect(cosignedAt(forged, witness)).toBeUndefined());
});
