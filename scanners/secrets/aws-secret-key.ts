// AWS secret access keys: forty characters of base64 beside a name that says so. Their shape alone is a hash's too.
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';

const pattern =
  /(?:aws|amazon|secret)[\w.-]{0,24}(?:key|access|secret)[\w.-]{0,16}["'\]]{0,2}\s{0,8}(?:=>|[:=])\s{0,8}["']?([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])/gi;

export const awsSecretKeyRule: PatternRule = {
  literals: ['aws', 'secretaccesskey', 'secret_access_key', 'secret_key', 'secretkey'],
  find(line, emit) {
    for (const match of matchesOf(pattern, line.text)) {
      const value = match[1] ?? '';
      if (/^[0-9a-f]+$/.test(value) || !/\d/.test(value) || !/[A-Z]/.test(value) || !/[a-z]/.test(value))
        continue;
      const end = line.start + match.index + match[0].length;
      const hit = { rule: 'secret/aws-secret-key', start: end - 40, end, confidence: 0.95 } as const;
      emit(/EXAMPLE/i.test(value) ? { ...hit, synthetic: 'the key of the AWS documentation' } : hit);
    }
  },
};
