// Credentials whose name is itself a value: `key="DbPassword" value="…"`, `{"name": "API_SECRET", "value": "…"}`, and in
// lists of variables, where name and value stand on lines of their own.
import { matchesOf } from '../matches.ts';
import type { Hit, Line } from '../rule.ts';
import { emitCandidate } from './candidate.ts';
import { type CredentialKind, isAboutCredential, isHarmlessBefore, kindOf } from './credential-names.ts';

const names =
  'pass(?:w(?:or)?d|phrase|code)?|pwd|secret|token|credential|(?:api|access|auth|private|signing|encryption)[_-]?key';
const called = `(?<full>[\\w.:-]{0,60}?(?<name>${names})(?<rest>[\\w.-]{0,24}))`;
const pair = new RegExp(
  `\\b(?:key|name|id|property)\\\\?["']?\\s{0,2}[:=]\\s{0,2}\\\\?["']${called}\\\\?["']\\s{0,2},?\\s{0,2}` +
    `\\\\?["']?value\\\\?["']?\\s{0,2}[:=]\\s{0,2}\\\\?["'](?<value>[^"'\\\\\\r\\n]{6,240})`,
  'gi',
);
/** The end of a line that names the variable whose value stands below. */
const above = new RegExp(
  `\\b(?:key["']?|name["']?|variable\\s)\\s{0,2}[:=]?\\s{0,2}["']?${called}["']?[\\s,{]{0,4}$`,
  'i',
);
const below =
  /^\s{0,40}["']?(?:value|default)["']?\s{0,4}[:=]\s{0,4}(?:(["'])([^"'\r\n]{6,240})\1|([^\s"'{}$]{6,240}))/i;
/** Characters at the end of a line in which the name begins: its own, what follows it, a quote and signs. */
const NAME_REACH = 48;
const anyName = new RegExp(names, 'i');
/** Lines between a name and its value: type, description. */
const MOST_LINES = 4;
const REACH = 400;

/** Reads the values of names that are values on `line`. */
export function readNamedValues(line: Line, emit: (hit: Hit) => void): void {
  const { text, document } = line;
  if (/value/i.test(text))
    for (const match of matchesOf(pair, text)) {
      const { full = '', name = '', rest = '', value = '' } = match.groups ?? {};
      const kind = kindOf(name);
      if (isAboutCredential(kind, rest) || isHash(kind, value)) continue;
      if (isHarmlessBefore(kind, full.slice(0, full.lastIndexOf(name)))) continue;
      const start = line.start + match.index + match[0].length - value.length;
      emitCandidate(document, { kind, name: full, value, start, quoted: true }, emit);
    }
  if (!anyName.test(text.slice(-NAME_REACH))) return;
  const named = above.exec(text.slice(-110));
  if (named === null) return;
  const { full = '', name = '', rest = '' } = named.groups ?? {};
  const kind = kindOf(name);
  if (isAboutCredential(kind, rest)) return;
  let at = line.start + text.length + 1;
  const limit = at + REACH;
  for (let n = 0; n < MOST_LINES && at < limit; n++) {
    const newline = line.view.indexOf('\n', at);
    const end = Math.min(newline < 0 ? line.view.length : newline, limit);
    const match = below.exec(line.view.slice(at, end));
    if (match !== null) {
      const value = match[2] ?? match[3] ?? '';
      const start = at + match[0].length - value.length - (match[2] === undefined ? 0 : 1);
      emitCandidate(document, { kind, name: full, value, start, quoted: match[2] !== undefined }, emit);
      return;
    }
    if (/^\s{0,40}(?:- |\}|\])/.test(line.view.slice(at, end))) return;
    at = end + 1;
  }
}

/** Tables of users keep the hashes of passwords under the passwords' name. */
function isHash(kind: CredentialKind, value: string): boolean {
  return kind === 'password' && /^[0-9a-f]{32,128}$/i.test(value);
}
