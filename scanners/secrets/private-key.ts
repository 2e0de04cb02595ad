// Private keys in PEM armour, across lines or inside a string literal with "\n". The header alone is no key: the
// armour must hold base64 of a key's size.
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';
import { isTestPath, TEST_PATH_CONFIDENCE } from './test-path.ts';

const header =
  /-----BEGIN ((?:RSA |DSA |EC |OPENSSH |ENCRYPTED |ANY |PGP |SSH2 ENCRYPTED )?PRIVATE KEY(?: BLOCK)?)-----/g;
const putty = /PuTTY-User-Key-File-\d: /g;
const MAX_KEY = 16_384;
/** A 256-bit EC key takes 160 characters of base64 in PKCS#8, an Ed25519 key 64. */
const MIN_BASE64 = 60;

export const privateKeyRule: PatternRule = {
  literals: ['private key-----', 'private key block-----', 'privatekeyinfo', 'putty-user-key-file'],
  find(line, emit) {
    // Keys of test servers are made for the tests, and open nothing else.
    const most = isTestPath(line.document.path) ? TEST_PATH_CONFIDENCE : 1;
    for (const match of matchesOf(header, line.text)) {
      const from = line.start + match.index;
      const body = from + match[0].length;
      // The next header ends the search, so that a file of headers is read once.
      const next = line.view.indexOf('-----BEGIN ', body);
      const limit = Math.min(next < 0 ? line.view.length : next, body + MAX_KEY);
      const footer = line.view.slice(body, limit).indexOf(`-----END ${match[1] ?? ''}-----`);
      const end = footer < 0 ? limit : body + footer;
      const text = line.view.slice(body, end).replaceAll(/\\[nr]|[\s"'`+,;\\>#|*]/g, '');
      // Headers such as Proc-Type stand in front of an encrypted key's base64.
      const base64 = text.split(/[^A-Za-z0-9/=]/).reduce((a, b) => (b.length > a.length ? b : a), '');
      if (base64.length < MIN_BASE64 || new Set(base64).size < 16) continue;
      const locked = /ENCRYPTED/.test(match[0]) || /Proc-?Type:4,?ENCRYPTED/.test(text.slice(0, 200));
      const stop = footer < 0 ? body : end + (match[1] ?? '').length + 14;
      const confidence = footer < 0 ? 0.7 : locked ? LOCKED : sureness(base64);
      emit({ rule: 'secret/private-key', start: from, end: stop, confidence: Math.min(confidence, most) });
    }
    for (const match of matchesOf(putty, line.text)) {
      const block = line.view.slice(line.start + match.index, line.start + match.index + MAX_KEY);
      const lines = /Private-Lines: \d{1,3}\s[A-Za-z0-9+/=\s]{40,8000}/.exec(block);
      if (lines !== null)
        emit({
          rule: 'secret/private-key',
          start: line.start + match.index + lines.index,
          end: line.start + match.index + lines.index + lines[0].trimEnd().length,
          confidence: Math.min(0.95, most),
        });
    }
  },
};

/** A key that nobody uses without its passphrase. */
const LOCKED = 0.8;

/** How sure it is that the armour holds a key which opens something. */
function sureness(base64: string): number {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.subarray(0, 14).toString('latin1') === 'openssh-key-v1')
    // The name of the cipher follows, behind its length (OpenSSH, PROTOCOL.key).
    return bytes.subarray(19, 23).toString('latin1') === 'none' ? 0.98 : LOCKED;
  const inside = derLength(bytes);
  if (inside === undefined) return 0.86;
  return inside <= bytes.length * 1.05 + 8 ? 0.98 : 0.8;
}

/** Bytes that the outermost SEQUENCE of DER says it has (X.690 §8.1.3); undefined where there is none. */
function derLength(bytes: Uint8Array): number | undefined {
  const first = bytes[1] ?? 0;
  if (bytes[0] !== 0x30) return undefined;
  if (first < 0x80) return first + 2;
  const octets = first & 0x7f;
  if (octets > 3) return undefined;
  return bytes.subarray(2, 2 + octets).reduce((sum, byte) => sum * 256 + byte, 0) + 2 + octets;
}
