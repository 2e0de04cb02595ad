// A way to tell somebody. One that fails says how in a sentence without the receiver's URL, which may be a secret.
import type { Message } from './message.ts';

export interface Channel {
  /** Sends once. Rejects with `notify/failed` where the receiver has not taken it. */
  send(message: Message, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
