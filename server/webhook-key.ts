// The key that webhooks are signed with, as Standard Webhooks writes it.
import type { Secret } from './secret.ts';

const leastBytes = 24;

/** The bytes of `whsec_` and base64, or of any other text; undefined where they are too few to be a key. */
export function readWebhookKey(secret: Secret): Buffer | undefined {
  const text = secret.reveal();
  const encoded = text.startsWith('whsec_') ? text.slice('whsec_'.length) : undefined;
  if (encoded !== undefined && !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const key = encoded === undefined ? Buffer.from(text, 'utf8') : Buffer.from(encoded, 'base64');
  return key.length >= leastBytes ? key : undefined;
}
