// Signed webhooks in the form of Standard Webhooks 1.0 (https://www.standardwebhooks.com):
//
//   webhook-id         unique to what is told, and the same at each attempt: tells repetitions apart
//   webhook-timestamp  seconds since 1970 of this attempt
//   webhook-signature  "v1," base64(HMAC-SHA256(key, id "." timestamp "." body))
import { createHmac } from 'node:crypto';
import { GuardError } from '../../core/errors.ts';
import { alertKinds } from '../../core/notice-topics.ts';
import type { WebhookChannel } from '../config.ts';
import { readWebhookKey } from '../webhook-key.ts';
import type { Channel } from './channel.ts';
import { createPoster } from './http-post.ts';
import type { Message } from './message.ts';

const alerts: ReadonlySet<string> = new Set(alertKinds);

/** Such as `approval.requested` and `alert.new-issuer`. */
function typeOf(topic: Message['topic']): string {
  if (topic === 'test') return topic;
  return `${alerts.has(topic) ? 'alert' : 'approval'}.${topic}`;
}

/** A channel that posts `{type, timestamp, data}`. */
export function createWebhookChannel({ url, secret, ca }: WebhookChannel): Channel {
  const key = readWebhookKey(secret);
  if (key === undefined) throw new GuardError('config/invalid', 'the secret of a webhook is too short');
  const poster = createPoster(url, ca);
  return {
    send: ({ id, topic, at, title, data }, signal) => {
      const body = JSON.stringify({ type: typeOf(topic), timestamp: at.toISOString(), title, data });
      const timestamp = Math.floor(Date.now() / 1000).toString();
      const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      };
      return poster.post(body, headers, signal);
    },
    close: () => poster.close(),
  };
}
