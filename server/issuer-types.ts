// A trusted issuer once the configuration is read. Its words are the operator's; what its tokens claim is not.
import type { PrincipalKind, Scope } from '../core/principal.ts';
import type { IssuerProfileName } from './issuer-profiles.ts';

/** Asymmetric signatures only (RFC 7518, RFC 8037): a shared secret would let a verifier sign. */
export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** Where the keys of an issuer come from. Files are absolute; they are read again when a key is not known. */
export type KeyLocation =
  | { readonly kind: 'discovery' }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly file: string };

/** One rule: to whom it applies, and who that is. All texts may name claims as `{claim}`. */
export interface ClaimRule {
  /** Globs by claim; of a claim that is a list one member must match. */
  readonly when: Readonly<Record<string, readonly string[]>>;
  readonly kind: PrincipalKind;
  /** Name of the principal without its kind. */
  readonly name: string;
  /** Principal ids, nearest first. */
  readonly onBehalfOf: readonly string[];
  /** Principal id; undefined: the principal itself or the last of `onBehalfOf`. */
  readonly owner: string | undefined;
  readonly groups: readonly string[];
  readonly scopes: readonly Scope[];
}

export interface IssuerConfig {
  /** As tokens name it in `iss`: an https URL, or `spiffe://<trust domain>`. */
  readonly issuer: string;
  readonly profile: IssuerProfileName;
  readonly audiences: readonly string[];
  readonly keys: KeyLocation;
  /** PEM text of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
  readonly algorithms: readonly TokenAlgorithm[];
  /** Seconds by which clocks may differ. */
  readonly clockSkew: number;
  /** Seconds after its issue for which a token is accepted, whatever it says. */
  readonly maxAge: number;
  /** Whether one token may be exchanged more than once, and used for more than one repository. */
  readonly reuse: 'never' | 'until-expiry';
  /** The first that matches decides. */
  readonly rules: readonly ClaimRule[];
}
