// Where the audit log is sent to, as the configuration says once it is read.
import type { S3Settings } from './s3.ts';
import type { Secret } from './secret.ts';

/** How a sink is fed. Times in milliseconds. */
export interface SinkPace {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** How long entries may wait for more. */
  readonly lingerMs: number;
  /** How often a checkpoint goes along. */
  readonly checkpointMs: number;
  /** True: a batch that was begun is sent again exactly as it was. */
  readonly keepsBatches: boolean;
  /** So many entries are sent again over each new connection. */
  readonly resend: number;
}

interface CommonSink {
  /** Unique; the cursor is kept under it. */
  readonly name: string;
  /** Actions, or what they begin with; none: everything. */
  readonly filter: readonly string[];
  /** Where a sink begins that is new. */
  readonly from: 'start' | 'now';
  readonly pace: SinkPace;
}

export interface ClientCertificate {
  /** PEM text. */
  readonly certificate: string;
  readonly key: Secret;
}

export interface SyslogSink extends CommonSink {
  readonly kind: 'syslog';
  readonly host: string;
  readonly port: number;
  /** Undefined: in the clear. */
  readonly tls:
    { readonly ca: string | undefined; readonly client: ClientCertificate | undefined } | undefined;
  readonly style: {
    readonly facility: number;
    readonly enterpriseNumber: number;
    readonly host: string;
    readonly format: 'json' | 'cef';
    readonly maxMessageBytes: number;
  };
}

export type HttpFormat = 'json' | 'ocsf' | 'cef';

export interface HttpSink extends CommonSink {
  readonly kind: 'http';
  /** May hold a credential. */
  readonly url: Secret;
  readonly format: HttpFormat;
  readonly headers: readonly { readonly name: string; readonly value: Secret }[];
  readonly ca?: string;
  readonly client?: ClientCertificate;
}

export interface FileSink extends CommonSink {
  readonly kind: 'file';
  /** Absolute. */
  readonly path: string;
}

export interface StdoutSink extends CommonSink {
  readonly kind: 'stdout';
}

export interface BucketSink extends CommonSink {
  readonly kind: 's3';
  readonly store: S3Settings;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
  readonly lock: { readonly mode: 'governance' | 'compliance'; readonly days: number } | undefined;
}

export type SinkSettings = SyslogSink | HttpSink | FileSink | StdoutSink | BucketSink;
