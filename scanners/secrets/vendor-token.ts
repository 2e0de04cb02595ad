// One row of the tables of tokens that carry their vendor's prefix.
import type { RuleId } from '../catalog.ts';

export interface VendorToken {
  readonly rule: RuleId;
  /** Upper-case letters stand for themselves, lower-case ones for both, `0` for any digit. */
  readonly literals: readonly string[];
  /** Global; the first group is the token where there is one, else the whole match. */
  readonly pattern: RegExp;
  readonly confidence: number;
  /** A failed check lowers the confidence: the token may be cut or invented, and cannot work. */
  readonly checked?: (token: string) => boolean;
}
