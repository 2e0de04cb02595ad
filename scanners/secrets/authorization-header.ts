// Credentials of HTTP headers (RFC 7617, RFC 6750): Basic with a password in it, Bearer and vendors' key headers.
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';
import { isIdentifier, isPlaceholder } from './placeholders.ts';
import { isTestPath, TEST_PATH_CONFIDENCE } from './test-path.ts';

const basic = /\bBasic\s{1,4}([A-Za-z0-9+/]{8,400}={0,2})(?![\w+/=-])/g;
/** `"auth"` of Docker's and `_auth` of npm's settings: the same pair without its scheme. */
const stored =
  /(?:"auth"\s{0,4}:\s{0,4}"|_auth\s{0,2}=\s{0,2}["']?)([A-Za-z0-9+/]{12,400}={0,2})(?![\w+/=-])/g;
const bearer = /\b(?:Bearer|token)\s{1,4}([A-Za-z0-9_.~+/-]{20,2000}={0,2})(?![\w+/=-])/g;
const keyHeader =
  /\bx-(?:api-key|auth-token|access-token|vault-token)\\?["']?\s{0,4}[:,=]\s{0,4}\\?["']?([\w.~+/-]{16,200}={0,2})/gi;

export const authorizationHeaderRule: PatternRule = {
  literals: [
    'basic ',
    'bearer ',
    'authorization',
    '"auth"',
    '_auth=',
    '_auth =',
    'x-api-key',
    'x-auth-token',
    'x-access-token',
    'x-vault-token',
  ],
  find(line, emit) {
    for (const pattern of [basic, stored])
      for (const match of matchesOf(pattern, line.text)) {
        const value = match[1] ?? '';
        const pair = /^([\x20-\x7e]{1,100}):([\x20-\x7e]{3,200})$/.exec(
          Buffer.from(value, 'base64').toString('latin1'),
        );
        if (pair === null) continue;
        const password = pair[2] ?? '';
        const placeholder = isPlaceholder(password) || isIdentifier(password);
        const start = line.start + match.index + match[0].length - value.length;
        const confidence = placeholder ? 0.5 : isTestPath(line.document.path) ? TEST_PATH_CONFIDENCE : 0.88;
        emit({ rule: 'secret/authorization-header', start, end: start + value.length, confidence });
      }
    for (const pattern of [bearer, keyHeader])
      for (const match of matchesOf(pattern, line.text)) {
        const value = match[1] ?? '';
        // The rule for JSON Web Tokens knows more about those.
        if (value.startsWith('eyJ') && value.includes('.')) continue;
        if (isPlaceholder(value) || isIdentifier(value) || !/\d/.test(value)) continue;
        const start = line.start + match.index + match[0].length - value.length;
        const hit = { rule: 'secret/authorization-header', start, end: start + value.length } as const;
        const confidence = isTestPath(line.document.path) ? TEST_PATH_CONFIDENCE : 0.87;
        emit({ ...hit, confidence, unproven: true });
      }
  },
};
