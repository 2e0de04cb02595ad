// The Git repository for anchors of the audit log, as it is in force.
import type { ForgeCredential } from './credential-types.ts';

export interface AnchorGitSettings {
  /** Without a trailing slash. */
  readonly url: string;
  readonly branch: string;
  readonly credential: ForgeCredential;
  /** PEM text. */
  readonly ca?: string | undefined;
  /** The same as an absolute file name. */
  readonly caFile?: string | undefined;
}
