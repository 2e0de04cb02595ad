// What the configuration is once it is read: frozen data that main.ts hands down.
import type { AnchorGitSettings } from './anchor-git-types.ts';
import type { ListenAddress } from './address.ts';
import type { ForgeCredential } from './credential-types.ts';
import type { IssuerConfig } from './issuer-types.ts';
import type { GithubAppConfig } from './github-app-types.ts';
import type { Limits } from './limits.ts';
import type { AlertSettings, NotificationChannel } from './notification-types.ts';
import type { CertificateRule } from './certificate-rules.ts';
import type { S3Settings } from './s3.ts';
import type { Secret } from './secret.ts';
import type { PeopleSettings } from './web-login-types.ts';
import type { SinkSettings } from './sink-types.ts';
import type { TlsListenSettings } from './tls-listener.ts';

export interface ForgeConfig {
  readonly name: string;
  /** Base URL, http or https, without a trailing slash and without user information. */
  readonly url: string;
  readonly credential: ForgeCredential;
  /** Only with the credential of a GitHub App. */
  readonly app?: GithubAppConfig | undefined;
  /** Globs over the paths of the repositories that are served. */
  readonly repositories: readonly string[];
  /** Origins besides that of `url`. */
  readonly allowRedirectsTo: readonly string[];
  /** PEM text of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
}

export interface Config {
  /** True where no configuration file was found: the guard brings its own forge and tokens. */
  readonly sandbox: boolean;
  /** The file that was read, absolute. */
  readonly file: string | undefined;
  readonly listen: ListenAddress & {
    /** Addresses and networks of proxies whose word about the client is taken. */
    readonly trustProxy: readonly string[];
    /** Whether these tell client certificates in `Client-Cert`. */
    readonly clientCertHeader: boolean;
    /** Undefined: plain http. */
    readonly tls: TlsListenSettings | undefined;
  };
  /** Without a trailing slash; undefined: made of the address that is listened on. */
  readonly publicUrl: string | undefined;
  /** Absolute. */
  readonly dataDir: string;
  readonly database: { readonly url: Secret | undefined };
  readonly redis: { readonly url: Secret | undefined };
  readonly forges: readonly ForgeConfig[];
  /** `maxLifetime` in seconds. */
  readonly identity: {
    readonly tokens: { readonly maxLifetime: number };
    readonly sessions: { readonly maxLifetime: number };
    readonly issuers: readonly IssuerConfig[];
    /** Whom client certificates stand for; the first that matches. */
    readonly certificates: readonly CertificateRule[];
  };
  /** Who vouches for people, and what they may do. */
  readonly people: PeopleSettings;
  readonly audit: {
    readonly retentionDays: number;
    /** Whether checkpoint and hashes may be read without a token. */
    readonly publicProofs: boolean;
    /** Where guards keep the last checkpoint besides. */
    readonly checkpointStore:
      | { readonly kind: 'database'; readonly url: Secret }
      | { readonly kind: 'bucket'; readonly store: S3Settings; readonly prefix: string }
      | undefined;
    /** What texts are sealed with; undefined: the key in the data directory. */
    readonly sealingKey: Secret | undefined;
    /** Where checkpoints are put besides: an absolute directory, a bucket with days of lock, a Git repository, how often in seconds. */
    readonly anchor:
      | {
          readonly directory: string | undefined;
          readonly bucket:
            { readonly store: S3Settings; readonly prefix: string; readonly lockDays: number } | undefined;
          readonly git: AnchorGitSettings | undefined;
          readonly every: number;
        }
      | undefined;
    /** Where entries are sent to. */
    readonly sinks: readonly SinkSettings[];
    /** Who stamps checkpoints, how often in seconds; `authorities` is the PEM text of the roots that count. */
    readonly timestamp:
      | {
          readonly url: string;
          readonly authorities: string;
          readonly policy: string | undefined;
          readonly every: number;
        }
      | undefined;
    /** Who cosigns checkpoints: base URLs without a trailing slash, and verifier keys as text. */
    readonly witnesses: readonly { readonly url: string; readonly key: string }[];
  };
  /** `remindAfter` in seconds; `heldDirectory` is absolute. */
  readonly approvals: {
    readonly remindAfter: number;
    readonly heldDirectory: string;
    readonly heldBytes: number;
    readonly mostWaiting: number;
  };
  readonly notifications: readonly NotificationChannel[];
  readonly alerts: AlertSettings;
  /** `chromium` is absolute; undefined: the usual places. */
  readonly reports: { readonly chromium: string | undefined };
  /** Absolute; undefined: the default policy. */
  readonly policyFile: string | undefined;
  readonly limits: Limits;
  /** Sentences, one for each protection that the configuration switches off; for the boot log and the audit log. */
  readonly weakenings: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;
