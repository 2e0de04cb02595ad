// Public keys of those who sign commits and tags, as an operator writes them into the policy: an OpenSSH key line or an
// OpenPGP public key block. Only their fingerprints are read here; signatures are verified by the installed programs.
import { createHash } from 'node:crypto';

export interface SshKey {
  readonly type: string;
  /** The key, base64 as in a `.pub` file. */
  readonly blob: string;
  /** `SHA256:` and base64 without padding, as OpenSSH shows it. */
  readonly fingerprint: string;
}

/** Reads `ssh-ed25519 AAAA… comment`; undefined for anything else. */
export function readSshKey(line: string): SshKey | undefined {
  const [, type = '', blob = ''] =
    /^((?:ssh|ecdsa|sk)-[A-Za-z0-9@.-]{1,80}) ([A-Za-z0-9+/]{40,8000}={0,2})(?: [^\r\n]*)?$/.exec(
      line.trim(),
    ) ?? [];
  const bytes = Buffer.from(blob, 'base64');
  // The blob begins with its own type: uint32 length, then the text (RFC 4253 §6.6).
  if (type === '' || bytes.length < 4 || bytes.readUInt32BE(0) !== type.length) return undefined;
  if (bytes.toString('latin1', 4, 4 + type.length) !== type) return undefined;
  const hash = createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '');
  return { type, blob, fingerprint: `SHA256:${hash}` };
}

export interface PgpKey {
  /** The key in its binary form, base64. */
  readonly packets: string;
  /** Of the primary key, 40 hex digits in capitals (RFC 4880 §12.2). */
  readonly fingerprint: string;
}

/** Reads one armoured public key block (RFC 4880 §6.2, version 4 keys); undefined for anything else. */
export function readPgpKey(armoured: string): PgpKey | undefined {
  const block =
    /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:[A-Za-z]+: [^\n]*\n)*\n([A-Za-z0-9+/=\n]+?)(?:\n=[A-Za-z0-9+/]{4})?\n-----END PGP PUBLIC KEY BLOCK-----$/.exec(
      armoured.replaceAll('\r\n', '\n').trim(),
    );
  const bytes = Buffer.from((block?.[1] ?? '').replaceAll('\n', ''), 'base64');
  const body = firstPublicKey(bytes);
  // A key of another version has another kind of fingerprint.
  if (body?.[0] !== 4) return undefined;
  const length = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
  const fingerprint = createHash('sha1').update(length).update(body).digest('hex').toUpperCase();
  return { packets: bytes.toString('base64'), fingerprint };
}

// The first packet of a transferable public key is the primary key (RFC 4880 §11.1, tag 6).
function firstPublicKey(bytes: Buffer): Buffer | undefined {
  const [head = 0, first = 0, second = 0] = bytes;
  const isNew = (head & 0xc0) === 0xc0;
  const tag = isNew ? head & 0x3f : (head & 0x3c) >> 2;
  if ((head & 0x80) === 0 || tag !== 6) return undefined;
  const [start, length] = isNew
    ? first < 192
      ? [2, first]
      : [3, ((first - 192) << 8) + second + 192]
    : (head & 3) === 0
      ? [2, first]
      : [3, (first << 8) | second];
  const isReadable = isNew ? first < 224 : (head & 3) < 2;
  return isReadable && bytes.length >= start + length ? bytes.subarray(start, start + length) : undefined;
}
