// Tokens with a published prefix of vendors that need no rule of their own: one row each.
import type { VendorToken } from './vendor-token.ts';

/** Literal that leads to the token (letters fold case, `0` is any digit), its shape, and how sure the shape is. */
const rows: readonly (readonly [literal: string, pattern: RegExp, confidence: number])[] = [
  ['atatt0', /\bATATT3[\w=-]{150,220}/g, 0.97],
  ['pmak-', /\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}(?![0-9a-f])/g, 0.97],
  ['hrku-', /\bHRKU-[\w-]{36,80}(?![\w-])/g, 0.95],
  ['nrak-', /\bNRAK-[0-9A-Z]{27}(?![0-9A-Z])/g, 0.95],
  ['sbp_', /\bsbp_[0-9a-f]{40}(?![0-9a-f])/g, 0.96],
  ['pscale_', /\bpscale_(?:tkn|pw|oauth)_[\w.-]{32,64}(?![\w-])/g, 0.95],
  [
    'dp.',
    /\bdp\.(?:pt|st(?:\.[a-z0-9_-]{2,35})?|ct|sa|scim|audit)\.[0-9A-Za-z]{40,44}(?![0-9A-Za-z])/g,
    0.96,
  ],
  ['sntry', /\bsntry[su]_(?:[0-9a-f]{64}|eyJ[\w=+/-]{80,400})(?![\w])/g, 0.96],
  ['pul-', /\bpul-[0-9a-f]{40}(?![0-9a-f])/g, 0.94],
  ['pplx-', /\bpplx-[0-9A-Za-z]{48}(?![0-9A-Za-z])/g, 0.95],
  ['r0_', /\br8_[0-9A-Za-z]{37}(?![0-9A-Za-z])/g, 0.93],
  ['xai-', /\bxai-[0-9A-Za-z]{70,90}(?![0-9A-Za-z])/g, 0.95],
  ['rubygems_', /\brubygems_[0-9a-f]{48}(?![0-9a-f])/g, 0.97],
  ['ccipat_', /\bCCIPAT_[0-9A-Za-z]{22}_[0-9a-f]{40}(?![0-9a-f])/g, 0.97],
  ['bkua_', /\bbkua_[0-9a-f]{40}(?![0-9a-f])/g, 0.96],
  ['akcp', /\bAKCp[0-9A-Za-z]{60,80}(?![0-9A-Za-z])/g, 0.92],
  ['cmvmdgtu', /\bcmVmdGtu[0-9A-Za-z]{56}(?![0-9A-Za-z+/])/g, 0.93],
  ['sk-or-v0-', /\bsk-or-v1-[0-9a-f]{64}(?![0-9a-f])/g, 0.97],
  ['phx_', /\bphx_[0-9A-Za-z]{40,50}(?![0-9A-Za-z])/g, 0.92],
  ['nvapi-', /\bnvapi-[\w-]{64}(?![\w-])/g, 0.95],
  ['shippo_live_', /\bshippo_live_[0-9a-f]{40}(?![0-9a-f])/g, 0.96],
];

export const otherTokens: readonly VendorToken[] = rows.map(([literal, pattern, confidence]) => ({
  rule: 'secret/known-format',
  literals: [literal],
  pattern,
  confidence,
}));
