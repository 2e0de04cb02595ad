// From a checked entry of `notifications` to the channel in force: secrets and certificates read.
import type { ValuePath } from '../core/yaml.ts';
import { topicsOf } from '../core/notice-topics.ts';
import { isLoopback, isPlainRemote } from './address.ts';
import type { ReferenceReader } from './config-references.ts';
import type { SecretRef } from './config-values.ts';
import { parseHookUrl } from './notification-address.ts';
import type { NotificationDocument } from './notification-schema.ts';
import type { EmailChannel, NotificationChannel } from './notification-types.ts';
import { Secret } from './secret.ts';
import { readWebhookKey } from './webhook-key.ts';

type Fault = (path: ValuePath, message: string) => void;

/** One channel, with its problems told to `fault`. */
export async function resolveNotification(
  references: ReferenceReader,
  fault: Fault,
  written: NotificationDocument,
  index: number,
): Promise<NotificationChannel> {
  const at = (key: string): ValuePath => ['notifications', index, key];
  const ca =
    written.caFile === undefined ? undefined : await references.certificates(written.caFile, at('caFile'));
  const common = {
    name: written.name,
    on: topicsOf(written.on),
    repositories: written.repositories,
    waitingFor: written.waitingFor,
    ...(ca === undefined ? {} : { ca }),
  };
  switch (written.kind) {
    case 'webhook': {
      const url = await hook(references, fault, written.url, written.dangerouslyAllowPlainHttp, at('url'));
      const secret = await references.secret(written.secret, at('secret'));
      if (secret.reveal() !== '' && readWebhookKey(secret) === undefined)
        fault(
          at('secret'),
          'expected `whsec_` and 24 bytes or more in base64, or a text of 24 characters or more',
        );
      return { kind: 'webhook', ...common, url, secret };
    }
    case 'slack': {
      const url = await hook(references, fault, written.url, written.dangerouslyAllowPlainHttp, at('url'));
      return { kind: 'slack', ...common, url };
    }
    case 'email': {
      const { username, password, server, from, to } = written;
      const login =
        username === undefined || password === undefined
          ? undefined
          : { username, password: await references.secret(password, at('password')) };
      // A relay on this machine is no network.
      const mayBePlain = written.dangerouslyAllowPlainSmtp || isLoopback(server.host);
      const tls = server.isImplicitTls ? 'implicit' : mayBePlain ? 'none' : 'starttls';
      return { kind: 'email', ...common, host: server.host, port: server.port, tls, login, from, to };
    }
  }
}

async function hook(
  references: ReferenceReader,
  fault: Fault,
  written: string | SecretRef,
  allowsPlain: boolean,
  path: ValuePath,
): Promise<Secret> {
  if (typeof written === 'string') return new Secret(written);
  const secret = await references.secret(written, path);
  if (secret.reveal() === '') return secret;
  const url = parseHookUrl(secret.reveal());
  if (url === undefined) fault(path, 'the secret is not an http or https URL without user name and fragment');
  else if (isPlainRemote(url) && !allowsPlain)
    fault(path, 'http to another machine is refused: use https, or set `dangerouslyAllowPlainHttp: true`');
  return secret;
}

/** A sentence for each channel that sends in the clear. */
export function notificationWeakenings(channels: readonly NotificationChannel[]): readonly string[] {
  return channels
    .filter((channel) => (channel.kind === 'email' ? isPlainMail(channel) : isPlainHook(channel.url)))
    .map(({ name }) => `the notification ${name} is sent in the clear: it can be read on the network`);
}

function isPlainMail({ tls, host }: EmailChannel): boolean {
  return tls === 'none' && !isLoopback(host);
}

function isPlainHook(url: Secret): boolean {
  const parsed = parseHookUrl(url.reveal());
  return parsed !== undefined && isPlainRemote(parsed);
}
