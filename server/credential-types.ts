// How the guard proves itself to a forge: what stands in the configuration, with its secrets still at their sources.
import type { SecretSource } from './secret-source.ts';

/** A GitHub App, as which the guard gets a token for each repository. */
export interface GithubAppCredential {
  /** App id or client id. */
  readonly appId: string;
  /** PEM. */
  readonly privateKey: SecretSource;
  /** Undefined: looked up for each repository. */
  readonly installation: number | undefined;
  /** Base URL of the REST API, without a trailing slash. */
  readonly apiUrl: string;
}

export type ForgeCredential =
  | { readonly mode: 'none' }
  | { readonly mode: 'basic'; readonly username: string; readonly password: SecretSource }
  | { readonly mode: 'bearer'; readonly token: SecretSource }
  | ({
      readonly mode: 'github-app';
      /** Whether a push that changes workflow files gets a token that may. */
      readonly allowWorkflows: boolean;
    } & GithubAppCredential)
  /** The client's own Authorization goes upstream. */
  | { readonly mode: 'passthrough' };
