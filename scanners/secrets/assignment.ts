// Literals assigned to names that promise a credential: `password = "…"`, `api_key: …`, `CLIENT_SECRET=…`. Such a hit is
// unproven: the driver keeps it only if the value reads like a random string and not like text.
import { indexLiterals } from '../literal-index.ts';
import { matchesAt } from '../matches.ts';
import type { DocumentContext, PatternRule } from '../rule.ts';
import { emitCandidate, leastLength } from './candidate.ts';
import {
  isAboutCredential,
  isHarmlessBefore,
  kindOf,
  nameLiterals,
  namePattern,
  nameStarts,
} from './credential-names.ts';
import { readNamedValues } from './named-value.ts';

/** Between name and value; the last one is the call of a setter. */
const separator =
  `["'\`]?\\]?\\s{0,8}(?::\\s{0,2}(?:string|str|String|&str|char\\*)\\s{0,4}| as string\\s{0,4})?` +
  `(?:=>|:=|={1,3}|:|,(?=\\s{0,4}["'\`])|\\s(?=["'\`])|\\((?=\\s{0,2}["'\`]))\\s{0,8}|\\\\?["']\\s{0,2}:\\s{0,2}\\\\?`;
/** Conversions around a literal that leave it what it is. */
const conversion = `(?:(?:b|r|u|f|@|\\[\\]byte\\(|new String\\(|Buffer\\.from\\(|createSecretKey\\(|b64decode\\(|base64\\.b64decode\\(|bytes\\.fromhex\\(|hex\\.DecodeString\\(|SecretStr\\(){1,2}(?=["'\`]))?`;
const value = `(?:\\\\?(["'\`])([^"'\`\\\\\\r\\n]{6,240})\\\\?\\3|([^\\s"'\`,;<>{}()[\\]\\\\&]{6,240})(?=[\\s,;&"'\`})\\]]|$))`;
const assigned = new RegExp(
  `(${namePattern})(\\w{0,24}(?:[.-]\\w{1,16}){0,2})(?:${separator})${conversion}${value}`,
  'iy',
);
const starts = indexLiterals([nameStarts]);

export const assignmentRule: PatternRule = {
  literals: nameLiterals,
  find(line, emit) {
    const { document, text } = line;
    if (document.binary || document.kind === 'names') return;
    // In program source nothing is assigned without one of these signs: most lines are done with here.
    const readable = !isCode(document) || /["'`&]/.test(text);
    for (const match of readable ? matchesAt(assigned, starts, line) : []) {
      const [whole, name = '', rest = '', , quoted, bare] = match;
      const found = quoted ?? bare ?? '';
      const kind = kindOf(name);
      // Most keys open nothing, and their values are short.
      if (found.length < leastLength[kind]) continue;
      if (quoted === undefined && isCode(document) && !isInQuery(text, match.index, whole, found)) continue;
      if (isAboutCredential(kind, rest)) continue;
      if (isHarmlessBefore(kind, text.slice(Math.max(0, match.index - 16), match.index))) continue;
      const end = line.start + match.index + whole.length - (quoted === undefined ? 0 : closing(whole));
      const full = nameBefore(text, match.index) + name;
      const start = end - found.length;
      const candidate = { kind, name: full, value: found, start, quoted: quoted !== undefined };
      emitCandidate(document, candidate, emit);
    }
    readNamedValues(line, emit);
  },
};

/** What the name begins with, in front of the part that promises a credential. */
function nameBefore(text: string, at: number): string {
  return /[\w-]{0,24}$/.exec(text.slice(Math.max(0, at - 24), at))?.[0] ?? '';
}

function closing(match: string): number {
  return /\\["'`]$/.test(match) ? 2 : 1;
}

/** In program source a bare word is a name, and a name is no credential; commands and settings have bare values. */
function isCode(document: DocumentContext): boolean {
  return document.source && !/^(?:sh|bash|zsh|fish|ps1|bat|cmd|tf|hcl|html?)$/.test(document.extension);
}

/** A parameter inside of a literal: `"…?token=…"`, `&secret=…&`. */
function isInQuery(text: string, at: number, match: string, found: string): boolean {
  const before = /[?&"'][\w-]{0,24}$/.test(text.slice(Math.max(0, at - 26), at));
  const after = /[&"'`]/.test(text.charAt(at + match.length));
  return before && after && match.endsWith(`=${found}`) && found.length >= 16 && /\d/.test(found);
}
