// Private keys in PEM armour, across lines or inside a string literal with "\n". The header alone is no key: the
// armour must hold base64 of a key's size.
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';
import { isTestPath } from './test-path.ts';

const header =
  /-----BEGIN ((?:RSA |DSA |EC |OPENSSH |ENCRYPTED |ANY |PGP |SSH2 ENCRYPTED )?PRIVATE KEY(?: BLOCK)?)-----/g;
const putty = /PuTTY-User-Key-File-\d: /g;
const MAX_KEY = 16_384;
/** A 256-bit EC key takes 160 characters of base64 in PKCS#8, an Ed25519 key 64. */
const MIN_BASE64 = 60;

export const privateKeyRule: PatternRule = {
  literals: ['private key-----', 'private key block-----', 'privatekeyinfo', 'putty-user-key-file'],
  find(line, emit) {
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
      const encrypted = /ENCRYPTED/.test(match[0]) || /Proc-?Type:4ENCRYPTED/.test(text.slice(0, 200));
      const stop = footer < 0 ? body : end + (match[1] ?? '').length + 14;
      const confidence = footer < 0 ? 0.7 : encrypted ? 0.86 : isTestPath(line.document.path) ? 0.8 : 0.98;
      emit({ rule: 'secret/private-key', start: from, end: stop, confidence });
    }
    for (const match of matchesOf(putty, line.text)) {
      const block = line.view.slice(line.start + match.index, line.start + match.index + MAX_KEY);
      const lines = /Private-Lines: \d{1,3}\s[A-Za-z0-9+/=\s]{40,8000}/.exec(block);
      if (lines !== null)
        emit({
          rule: 'secret/private-key',
          start: line.start + match.index + lines.index,
          end: line.start + match.index + lines.index + lines[0].trimEnd().length,
          confidence: 0.95,
        });
    }
  },
};
