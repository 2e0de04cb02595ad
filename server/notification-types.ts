// Whom the guard tells, as the configuration says once it is read.
import type { NoticeTopic } from '../core/notice-topics.ts';
import type { Secret } from './secret.ts';

interface CommonChannel {
  /** Unique; what was sent is remembered under it. */
  readonly name: string;
  readonly on: ReadonlySet<NoticeTopic>;
  /** Globs; what concerns no repository is told in any case. */
  readonly repositories: readonly string[];
  /** Seconds for which a request must have waited before it is told here. */
  readonly waitingFor: number;
  /** PEM text of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
}

export interface WebhookChannel extends CommonChannel {
  readonly kind: 'webhook';
  /** May hold a credential. */
  readonly url: Secret;
  readonly secret: Secret;
}

export interface SlackChannel extends CommonChannel {
  readonly kind: 'slack';
  readonly url: Secret;
}

export interface EmailChannel extends CommonChannel {
  readonly kind: 'email';
  readonly host: string;
  readonly port: number;
  /** `implicit`: TLS from the first byte; `starttls`: demanded before anything is sent; `none`: in the clear. */
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly login: { readonly username: string; readonly password: Secret } | undefined;
  readonly from: string;
  readonly to: readonly string[];
}

export type NotificationChannel = WebhookChannel | SlackChannel | EmailChannel;

export interface AlertSettings {
  /** So many refusals of one agent within `within` seconds are an alert. */
  readonly repeatedDenials: { readonly count: number; readonly within: number };
}
