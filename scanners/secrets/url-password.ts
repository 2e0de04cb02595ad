// Passwords in URLs (RFC 3986 §3.2.1): `scheme://user:password@host`.
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';
import { isIdentifier, isPlaceholder } from './placeholders.ts';
import { isTestPath } from './test-path.ts';

const userinfo = /:\/\/([^\s:/?#[\]@"'`<>(){}|\\,;]{0,80}):([^\s:/?#@"'`<>(){}|\\]{3,200})@([\w.-]{1,120})/g;
const localHost =
  /^(?:localhost$|127\.|0\.0\.0\.0$|(?:host|db|hostname|server)$|example\.|.*\.example(?:\.\w+)?$|.*\.?(?:test|invalid|local)$|(?:www\.)?example\.\w+$)/i;
const weak =
  /^(?:pass(?:w(?:or)?d?)?|pwd?|secret|user(?:name)?|root|postgres|mysql|guest|admin|test|token|key|rabbit|redis|mongo|x-oauth-basic|\d{1,6}|a|b|c|p|pw)$/i;

/** Confidence of a password of letters only. */
const WORD = 0.65;

export const urlPasswordRule: PatternRule = {
  literals: ['://'],
  find(line, emit) {
    if (!line.text.includes('@')) return;
    for (const match of matchesOf(userinfo, line.text)) {
      const user = match[1] ?? '';
      const password = match[2] ?? '';
      const plain = unescaped(password);
      if (weak.test(plain) || isPlaceholder(plain) || isPlaceholder(password) || password === user) continue;
      const start = line.start + match.index + 3 + user.length + 1;
      const local = localHost.test(match[3] ?? '');
      const example = isTestPath(line.document.path) || /^(?:user(?:name)?|foo|bar|alice|bob)$/i.test(user);
      const confidence = local ? 0.5 : isIdentifier(plain) ? WORD : example ? 0.8 : 0.88;
      const hit = { rule: 'secret/url-password', start, end: start + password.length, confidence } as const;
      emit(confidence === WORD && plain.length >= 8 ? { ...hit, ifRandom: example ? 0.8 : 0.87 } : hit);
    }
  },
};

/** Percent-decoded, or as it is where that is no encoding. */
function unescaped(text: string): string {
  return text.replaceAll(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}
