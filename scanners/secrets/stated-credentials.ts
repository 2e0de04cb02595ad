// Credentials that no name is assigned to, but that commands, markup, calls and sentences state all the same:
// `--password …`, `curl -u user:…`, `<password>…</password>`, `auth=("user", "…")`. Each shape says what leads to it. Such
// a hit is unproven, as assigned ones are.
import { findLiterals, indexLiterals } from '../literal-index.ts';
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';
import { looksLikePassword } from './assignment-confidence.ts';
import { emitCandidate } from './candidate.ts';

interface Shape {
  readonly literals: readonly string[];
  /** Global; the group `value` is the credential. */
  readonly pattern: RegExp;
  readonly kind: 'password' | 'credential';
  /** Sentences call many things a password: there, only what looks like one counts. */
  readonly strict: boolean;
}

/** A literal of a program. */
const literal = `["'](?<value>[^"'\\\\\\r\\n]{6,240})["']`;
const argument = `["']?(?<value>[^\\s"'$]{6,120})`;

function shape(kind: Shape['kind'], literals: string, pattern: string, strict = false): Shape {
  return { kind, literals: literals.split('|'), pattern: new RegExp(pattern, 'gi'), strict };
}

const shapes: readonly Shape[] = [
  shape(
    'password',
    '--pass|--pwd',
    `--(?:password|passwd|pwd|pass|passphrase)[ =]["']?(?<value>[^\\s"'\`<>;,)]{6,200})`,
  ),
  shape(
    'password',
    "identified|password '",
    `\\b(?:identified\\s(?:with\\s[\\w"'\`]{1,40}\\s)?(?:by|as)|(?:with|(?:role|user)\\s[\\w"]{1,60})\\spassword)\\s["']?(?<value>[^\\s"'\`<>;,)]{6,200})`,
  ),
  shape(
    'password',
    'curl |wget ',
    `\\b(?:curl|wget)\\b[^\\n|;]{0,300}?\\s(?:-u|--(?:proxy-)?user)[ =]?["']?[^\\s:"'$]{1,80}:(?<value>[^\\s"'$]{6,120})`,
  ),
  shape('password', 'sshpass', `\\bsshpass\\s{1,3}-p\\s?${argument}`),
  shape('password', 'mysql', `\\bmysql\\w{0,8}\\s[^\\n|;]{0,120}?(?<=\\s)-p(?!-)${argument}`),
  shape('password', 'securestring', `\\bConvertTo-SecureString\\s{1,3}(?:-String\\s{1,3})?${literal}`),
  shape(
    'password',
    'machine |login ',
    `\\blogin\\s{1,4}\\S{1,80}\\s{1,4}password\\s{1,4}(?<value>\\S{6,120})`,
  ),
  // .pgpass: host:port:database:user:password
  shape(
    'password',
    ':0000:',
    `^[\\w.*-]{1,80}:(?:\\d{4,5}|\\*):[\\w*.-]{1,60}:[\\w.-]{1,60}:(?<value>[^\\s:]{6,120})$`,
  ),
  shape(
    'password',
    ';pwd|; pwd|;password|; password',
    `;\\s?(?:password|pwd)\\s?=\\s?["']?(?<value>[^;"'<>{}\\s]{6,120})(?=[;"'&]|$)`,
  ),
  shape(
    'password',
    'auth=(|auth = (|auth(|getconnection(|credentials(|credential(|login(',
    `(?:auth|getConnection|credentials?|login)\\s{0,2}[=(]\\s{0,2}\\(?(?:[\\w.]{1,60},\\s{0,2})?["'][^"'\\n]{1,80}["'],\\s{0,2}${literal}\\s{0,2}\\)`,
  ),
  shape(
    'credential',
    'jwt.sign(|jwt.verify(|jwt.encode(|jwt.decode(',
    `\\bjwt\\.(?:sign|verify|encode|decode)\\([^"'\\n]{1,80}${literal}`,
  ),
  shape(
    'password',
    'password>|passwd>|pwd>|passphrase>|pass>',
    `<[\\w.:-]{0,40}?(?:password|passwd|pwd|passphrase|pass)>(?<value>[^<>\\s]{6,240})</`,
  ),
  shape(
    'credential',
    'secret>|token>|key>',
    `<[\\w.:-]{0,40}?(?:secret|token|(?:api|access|auth|private|signing)[_-]?key)>(?<value>[^<>\\s]{6,240})</`,
  ),
  shape(
    'password',
    'password|passcode|passphrase|passwort|contrase|mot de passe|senha',
    `\\b(?:password|passcode|passphrase|Passwort|contrase\\S{1,2}a|mot de passe|senha)\\b[^.\\n"'=:<>]{0,40}?\\s(?:is|was|to|ist|lautet|es|est):?\\s{1,3}["'\`]?(?<value>[^\\s"'\`<>]{8,60}?)["'\`]?(?=[\\s,;)]|\\.?$|\\.\\s)`,
    true,
  ),
];

const index = indexLiterals(shapes.map((each) => each.literals));

export const statedCredentialRule: PatternRule = {
  literals: shapes.flatMap((each) => each.literals),
  find(line, emit) {
    if (line.document.binary || line.document.kind === 'names') return;
    for (const row of findLiterals(index, line)) {
      const found = shapes[row];
      if (found === undefined) continue;
      for (const match of matchesOf(found.pattern, line.text)) {
        const value = match.groups?.['value'] ?? '';
        if (found.strict && !looksLikePassword(value)) continue;
        const start = line.start + match.index + match[0].lastIndexOf(value);
        const { kind } = found;
        emitCandidate(line.document, { kind, name: kind, value, start, quoted: !found.strict }, emit);
      }
    }
  },
};
