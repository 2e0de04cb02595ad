// Which channel is what.
import type { NotificationChannel } from '../config.ts';
import type { Channel } from './channel.ts';
import { createEmailChannel } from './email.ts';
import { createSlackChannel } from './slack.ts';
import { createWebhookChannel } from './webhook.ts';

/** Opens a channel; nothing is connected yet. `domain` stands in the ids of e-mails. */
export function openChannel(settings: NotificationChannel, domain: string): Channel {
  switch (settings.kind) {
    case 'webhook':
      return createWebhookChannel(settings);
    case 'slack':
      return createSlackChannel(settings);
    case 'email':
      return createEmailChannel(settings, domain);
  }
}
