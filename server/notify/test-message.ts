// A message that says that it is one, for trying a channel out.
import { randomUUID } from 'node:crypto';
import type { Message } from './message.ts';

/** One that no other is a repetition of. */
export function testMessage(now: Date): Message {
  const id = `test-${randomUUID()}`;
  return {
    id,
    topic: 'test',
    thread: id,
    title: 'This is a test of the notifications: nothing has happened',
    facts: [{ label: 'Sent', text: now.toISOString() }],
    sentences: [],
    url: null,
    repository: null,
    waitsSince: null,
    at: now,
    data: {},
  };
}
