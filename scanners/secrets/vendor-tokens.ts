// Tokens that carry their vendor's prefix. Each row says which literal leads to it, its exact shape, and how its own
// check digits are verified where the vendor publishes them.
import { endsInCrc32 } from '../validators/base62.ts';
import { findLiterals, indexLiterals } from '../literal-index.ts';
import { matchesOf } from '../matches.ts';
import type { PatternRule } from '../rule.ts';
import { otherTokens } from './other-tokens.ts';
import type { VendorToken } from './vendor-token.ts';

const crcBody = (prefix: number) => (token: string) => endsInCrc32(token.slice(prefix));

export const vendorTokens: readonly VendorToken[] = [
  {
    rule: 'secret/guard-token',
    literals: ['fg_'],
    pattern: /\bfg_[0-9A-Za-z]{42}(?![0-9A-Za-z_])/g,
    confidence: 0.99,
    checked: crcBody(3),
  },
  {
    rule: 'secret/guard-token',
    literals: ['fgs_'],
    pattern: /\bfgs_[0-9A-Za-z]{42}(?![0-9A-Za-z_])/g,
    confidence: 0.99,
    checked: crcBody(4),
  },
  {
    rule: 'secret/github-token',
    literals: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'],
    pattern: /\bgh[pousr]_[0-9A-Za-z]{36}(?![0-9A-Za-z_])/g,
    confidence: 0.99,
    checked: crcBody(4),
  },
  {
    rule: 'secret/github-token',
    literals: ['github_pat_'],
    pattern: /\bgithub_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}(?![0-9A-Za-z_])/g,
    confidence: 0.98,
  },
  {
    rule: 'secret/gitlab-token',
    literals: ['glpat-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-', 'glimt-', 'glagent-', 'glsoat-'],
    pattern:
      /\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[\w-]{20,64}(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?(?![\w-])/g,
    confidence: 0.95,
  },
  {
    rule: 'secret/npm-token',
    literals: ['npm_'],
    pattern: /\bnpm_[0-9A-Za-z]{36}(?![0-9A-Za-z_])/g,
    confidence: 0.99,
    checked: crcBody(4),
  },
  {
    rule: 'secret/pypi-token',
    literals: ['pypi-'],
    pattern: /\bpypi-AgE[ImN][\w-]{50,400}/g,
    confidence: 0.98,
  },
  {
    rule: 'secret/aws-access-key-id',
    literals: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
    pattern: /(?<![0-9A-Za-z+/])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![0-9A-Za-z+/=])/g,
    confidence: 0.9,
    // The ids are base32.
    checked: (token) => !/[0189]/.test(token),
  },
  {
    rule: 'secret/slack-token',
    literals: ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xoxe.', 'xapp-'],
    pattern:
      /\b(?:xox[bpars]-[0-9]{8,14}-[0-9A-Za-z-]{18,160}|xoxe(?:\.xox[bp])?-\d-[0-9A-Za-z]{60,200}|xapp-\d-A[0-9A-Z]{8,12}-\d{10,14}-[0-9a-f]{64})/g,
    confidence: 0.96,
  },
  {
    rule: 'secret/slack-webhook',
    literals: ['hooks.slack.com'],
    pattern:
      /hooks\.slack\.com\/(?:services\/T[0-9A-Z]{8,12}\/B[0-9A-Z]{8,12}|workflows\/T[0-9A-Z]{8,12}\/A[0-9A-Z]{8,12}\/\d{15,20})\/[0-9A-Za-z]{20,30}/g,
    confidence: 0.94,
  },
  {
    rule: 'secret/stripe-key',
    literals: ['sk_live_', 'rk_live_', 'whsec_'],
    pattern: /\b(?:[sr]k_live_[0-9A-Za-z]{20,247}|whsec_[0-9A-Za-z+/]{32,64}=?)/g,
    confidence: 0.97,
  },
  {
    rule: 'secret/stripe-key',
    literals: ['sk_test_', 'rk_test_'],
    pattern: /\b[sr]k_test_[0-9A-Za-z]{24,247}/g,
    confidence: 0.7,
  },
  {
    rule: 'secret/google-api-key',
    literals: ['aiza'],
    pattern: /(?<![0-9A-Za-z_-])AIza[\w-]{35}(?![\w-])/g,
    confidence: 0.92,
  },
  {
    rule: 'secret/google-oauth',
    literals: ['gocspx-', 'ya00.'],
    pattern: /\b(?:GOCSPX-[\w-]{28}|ya29\.[\w-]{40,400})(?![\w-])/g,
    confidence: 0.95,
  },
  {
    rule: 'secret/azure-key',
    literals: ['accountkey=', 'sharedaccesskey='],
    pattern: /(?:Account|SharedAccess)Key=([0-9A-Za-z+/]{43}=|[0-9A-Za-z+/]{86}==)/gi,
    confidence: 0.95,
  },
  {
    rule: 'secret/sendgrid-key',
    literals: ['sg.'],
    pattern: /\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])/g,
    confidence: 0.97,
  },
  {
    rule: 'secret/twilio-key',
    // The prefix is too common to look for; the vendor's name beside it is not.
    literals: ['twilio'],
    pattern: /\bSK[0-9a-f]{32}(?![0-9a-f])/g,
    confidence: 0.92,
  },
  {
    rule: 'secret/mailgun-key',
    literals: ['key-'],
    pattern: /(?<![\w-])key-[0-9a-f]{32}(?![\w-])/g,
    confidence: 0.9,
  },
  {
    rule: 'secret/mailgun-key',
    literals: ['mailgun', 'credential', 'api_key', 'api-key', 'apikey'],
    pattern: /(?<![0-9A-Za-z-])[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![0-9A-Za-z-])/g,
    confidence: 0.88,
  },
  {
    rule: 'secret/digitalocean-token',
    literals: ['dop_v0_', 'doo_v0_', 'dor_v0_'],
    pattern: /\bdo[opr]_v1_[0-9a-f]{64}(?![0-9a-f])/g,
    confidence: 0.98,
  },
  {
    rule: 'secret/hashicorp-token',
    literals: ['hvs.', 'hvb.', 'hvr.', '.atlasv0.'],
    pattern: /(?:\bhv[sbr]\.[\w-]{24,300}|\b[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]{60,70})/g,
    confidence: 0.95,
  },
  {
    rule: 'secret/anthropic-key',
    literals: ['sk-ant-'],
    pattern: /\bsk-ant-(?:api|admin|oat|ort|sid)\d\d-[\w-]{80,120}(?![\w-])/g,
    confidence: 0.98,
  },
  {
    rule: 'secret/openai-key',
    literals: ['t0blbkfj'],
    pattern: /\bsk-(?:(?:proj|svcacct|admin)-)?[\w-]{20,100}T3BlbkFJ[\w-]{20,100}/g,
    confidence: 0.98,
  },
  {
    rule: 'secret/huggingface-token',
    literals: ['hf_'],
    pattern: /\bhf_[A-Za-z]{34}(?![0-9A-Za-z_])/g,
    confidence: 0.93,
  },
  {
    rule: 'secret/docker-token',
    literals: ['dckr_pat_'],
    pattern: /\bdckr_pat_[\w-]{27}(?![\w-])/g,
    confidence: 0.97,
  },
  {
    rule: 'secret/shopify-token',
    literals: ['shpat_', 'shpss_', 'shpca_', 'shppa_'],
    pattern: /\bshp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}(?![0-9a-fA-F])/g,
    confidence: 0.97,
  },
  {
    rule: 'secret/square-token',
    literals: ['sq0atp-', 'sq0csp-', 'eaaaea'],
    pattern: /\b(?:sq0atp-[\w-]{22}|sq0csp-[\w-]{43}|EAAAE[\w-]{59})(?![\w-])/g,
    confidence: 0.9,
  },
  {
    rule: 'secret/telegram-token',
    literals: [':aa'],
    pattern: /(?<![\w:])\d{8,10}:AA[\w-]{33}(?![\w-])/g,
    confidence: 0.9,
  },
  {
    rule: 'secret/discord-webhook',
    literals: ['/api/webhooks/'],
    pattern: /discord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[\w-]{60,70}/g,
    confidence: 0.95,
  },
  {
    rule: 'secret/age-key',
    literals: ['age-secret-key-'],
    pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}(?![0-9A-Z])/g,
    confidence: 0.98,
  },
  ...otherTokens,
];

/** Example values that vendors print in their own documentation. */
const published = /EXAMPLE|^AKIAI44QH8DHB|^(?:.{3,12}[_-])?(.)\1{15,}/i;
const counting = /0123456789|1234567890|abcdefghij|ABCDEFGHIJ|xxxxxx|XXXXXX/;

const index = indexLiterals(vendorTokens.map((token) => token.literals));

export const vendorTokenRule: PatternRule = {
  literals: vendorTokens.flatMap((token) => token.literals),
  find(line, emit) {
    for (const row of findLiterals(index, line)) {
      const token = vendorTokens[row];
      if (token === undefined) continue;
      for (const match of matchesOf(token.pattern, line.text)) {
        const value = match[1] ?? match[0];
        const end = line.start + match.index + match[0].length;
        const failed = token.checked !== undefined && !token.checked(value);
        const hit = {
          rule: token.rule,
          start: end - value.length,
          end,
          confidence: failed ? 0.6 : token.confidence,
        };
        if (published.test(value)) emit({ ...hit, synthetic: 'a value from the vendor’s documentation' });
        else if (counting.test(value)) emit({ ...hit, synthetic: 'a placeholder, not a random token' });
        else emit(hit);
      }
    }
  },
};
