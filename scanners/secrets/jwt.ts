// JSON Web Tokens (RFC 7519): three base64url parts, the first a JSON object that names an algorithm.
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';
import { isTestPath } from './test-path.ts';

const token = /(?<![\w.-])eyJ[\w-]{10,4000}\.(?:eyJ)?[\w-]{10,16000}\.([\w-]{16,4000})?/g;

export const jwtRule: PatternRule = {
  literals: ['eyj'],
  find(line, emit) {
    for (const match of matchesOf(token, line.text)) {
      const [header, payload] = match[0]
        .split('.', 2)
        .map((part) => Buffer.from(part, 'base64url').toString('latin1'));
      if (header === undefined || !/"alg"\s{0,4}:/.test(header) || match[1] === undefined) continue;
      const start = line.start + match.index;
      const hit = { rule: 'secret/jwt', start, end: start + match[0].length } as const;
      const confidence = isTestPath(line.document.path) ? 0.75 : 0.88;
      if (/"sub"\s{0,2}:\s{0,2}"1234567890"|John Doe|example/i.test(payload ?? ''))
        emit({ ...hit, confidence, synthetic: 'the payload of published examples' });
      else emit({ ...hit, confidence });
    }
  },
};
