// Slack's incoming webhooks. Names go into `plain_text` alone, where nothing is read as a mention or a link.
import type { SlackChannel } from '../config.ts';
import type { Channel } from './channel.ts';
import { createPoster } from './http-post.ts';
import type { Message } from './message.ts';

// Limits of Slack's block kit: characters of a header, of a text, and fields of a section.
const longestHeader = 150;
const longestText = 2_900;
const longestField = 1_900;
const mostFields = 10;

const plain = (text: string, cap: number) =>
  ({
    type: 'plain_text',
    text: text.length > cap ? `${text.slice(0, cap - 1)}…` : text,
    emoji: false,
  }) as const;

/** The body of the POST. */
function slackBody({ title, facts, sentences, url }: Message): object {
  return {
    // For notifications and screen readers; Slack reads `&`, `<` and `>` here.
    text: title.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    blocks: [
      { type: 'header', text: plain(title, longestHeader) },
      ...(sentences.length === 0
        ? []
        : [{ type: 'section', text: plain(sentences.join('\n'), longestText) }]),
      {
        type: 'section',
        fields: facts.slice(0, mostFields).map(({ label, text }) => plain(`${label}: ${text}`, longestField)),
      },
      ...(url === null
        ? []
        : [{ type: 'actions', elements: [{ type: 'button', text: plain('Look at it', 75), url }] }]),
    ],
  };
}

/** A channel that posts blocks. */
export function createSlackChannel({ url, ca }: SlackChannel): Channel {
  const poster = createPoster(url, ca);
  return {
    send: (message, signal) => poster.post(JSON.stringify(slackBody(message)), {}, signal),
    close: () => poster.close(),
  };
}
