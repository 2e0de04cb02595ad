// Checkpoints as signed notes: the published examples of the formats, round trips, and everything that must not pass.
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkpointText,
  createSigner,
  openCheckpoint,
  parseCheckpoint,
  parseVerifierKey,
  signCheckpoint,
  verifierKeyText,
} from '../../core/checkpoint.ts';
import { emptyRoot, leafHash } from '../../core/merkle.ts';

const origin = 'guard.example.com/audit';
const signer = createSigner(origin, generateKeyPairSync('ed25519').privateKey);
const note = signCheckpoint({ size: 7, root: emptyRoot }, signer);

/** The example of Go's golang.org/x/mod/sumdb/note, whose format signed-note is. */
const published = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  /** Key id and signature, in base64. */
  signature: 'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
};

describe('keys', () => {
  test('a published key is read and written back', () => {
    const key = parseVerifierKey(published.key);
    expect(key).toMatchObject({ name: 'PeterNeumann', keyId: 'c74f20a3' });
    expect(key === undefined ? '' : verifierKeyText(key)).toBe(published.key);
  });

  test('it verifies the published signature', () => {
    const key = parseVerifierKey(published.key);
    const bytes = Buffer.from(published.signature, 'base64');
    expect(bytes.subarray(0, 4).toString('hex')).toBe(key?.keyId);
    const isGood =
      key !== undefined && verify(null, Buffer.from(published.text), key.publicKey, bytes.subarray(4));
    expect(isGood).toBe(true);
  });

  test('our key survives the round trip', () => {
    const text = verifierKeyText(signer);
    expect(text).toMatch(/^guard\.example\.com\/audit\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/);
    const key = parseVerifierKey(text);
    expect(key?.publicKey.equals(createPublicKey(signer.privateKey))).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['no key', 'name+c74f20a3'],
    ['another key id', published.key.replace('c74f20a3', 'c74f20a4')],
    ['another name', published.key.replace('Peter', 'Paul')],
    ['another algorithm', published.key.replace('+ARpc', '+BRpc')],
    ['a short key', published.key.slice(0, -4)],
    ['a line feed', `${published.key}\n`],
    ['a space in the name', published.key.replace('PeterN', 'Peter N')],
  ])('%s is no key', (_name, text) => {
    expect(parseVerifierKey(text)).toBeUndefined();
  });

  test('a signer refuses other kinds of keys and names that no note can carry', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    expect(() => createSigner(origin, rsa)).toThrow(new TypeError('the signing key is not an Ed25519 key'));
    for (const name of ['', 'a b', 'a+b', 'a\nb']) {
      expect(() => createSigner(name, signer.privateKey)).toThrow(
        new TypeError('a key name has neither spaces nor plus signs'),
      );
    }
  });
});

describe('notes', () => {
  test('the text is origin, size and root', () => {
    const text = checkpointText({ origin, size: 7, root: emptyRoot });
    expect(text).toBe(`${origin}\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`);
    expect(note.startsWith(`${text}\n— ${origin} `)).toBe(true);
  });

  test('what was signed is opened', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), fc.uint8Array(), (size, seed) => {
        const root = leafHash(seed);
        const opened = openCheckpoint(signCheckpoint({ size, root }, signer), signer);
        expect(opened).toMatchObject({ origin, size });
        expect(Buffer.from(opened?.root ?? []).equals(root)).toBe(true);
      }),
    );
  });

  test('extension lines and signatures of others are let be', () => {
    const other = createSigner('witness.example.org', generateKeyPairSync('ed25519').privateKey);
    const theirs = signCheckpoint({ size: 7, root: emptyRoot }, other).split('\n\n')[1] ?? '';
    expect(openCheckpoint(note + theirs, signer)?.size).toBe(7);
    expect(openCheckpoint(note.replace('\n\n— ', `\n\n${theirs}— `), signer)?.size).toBe(7);
  });

  test('nothing of it can be changed', () => {
    const bytes = Buffer.from(note);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(openCheckpoint(changed.toString('utf8'), signer)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test('cut at every byte it is no checkpoint', () => {
    for (let length = 0; length < note.length; length += 1) {
      expect(openCheckpoint(note.slice(0, length), signer)).toBeUndefined();
    }
  });

  test.each([
    ['another key of the same name', createSigner(origin, generateKeyPairSync('ed25519').privateKey)],
    ['the same key under another name', createSigner('other.example.com', signer.privateKey)],
  ])('%s does not open it', (_name, key) => {
    expect(openCheckpoint(note, key)).toBeUndefined();
  });

  test('a second, bad signature under our own key is not ignored', () => {
    const bad = signCheckpoint({ size: 8, root: emptyRoot }, signer).split('\n\n')[1] ?? '';
    expect(openCheckpoint(note + bad, signer)).toBeUndefined();
  });

  test.each([
    ['no signature', checkpointText({ origin, size: 7, root: emptyRoot }) + '\n'],
    ['a leading zero', note.replace('\n7\n', '\n07\n')],
    ['a sign', note.replace('\n7\n', '\n-7\n')],
    ['a size beyond exact numbers', note.replace('\n7\n', '\n9007199254740992\n')],
    ['a short root', note.replace('47DE', '')],
    ['base64 that is not the shortest', note.replace('uFU=', 'uFV=')],
    ['a carriage return', note.replace('\n7\n', '\r\n7\n')],
    ['too many signatures', note + '— x AAAAAAA=\n'.repeat(64)],
    ['too long', note.replace('\n\n', `\n${'x'.repeat(65_536)}\n\n`)],
  ])('%s is refused', (_name, text) => {
    expect(parseCheckpoint(text)).toBeUndefined();
  });
});
