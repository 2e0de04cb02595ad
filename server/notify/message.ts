// What is told, before it takes the form of a channel. It holds names and sentences of the policy, and nothing that an
// agent or a reviewer wrote: no reasons, no comments, no file names, no findings.
import type { Json } from '../../core/audit-event.ts';
import type { NoticeTopic } from '../../core/notice-topics.ts';

export interface Fact {
  readonly label: string;
  readonly text: string;
}

export interface Message {
  /** Unique, and the same at each attempt. */
  readonly id: string;
  readonly topic: NoticeTopic | 'test';
  /** What belongs together, such as everything about one request. */
  readonly thread: string;
  /** One line. */
  readonly title: string;
  readonly facts: readonly Fact[];
  /** Sentences, such as why it is held. */
  readonly sentences: readonly string[];
  /** Where to go; null where there is no page. */
  readonly url: string | null;
  /** Null where it concerns no single repository. */
  readonly repository: string | null;
  /** Since when somebody waits; null where nobody does. */
  readonly waitsSince: Date | null;
  readonly at: Date;
  /** For programs. */
  readonly data: { readonly [key: string]: Json };
}

// Controls, and the characters that reorder, hide or break what a reader sees.
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** A name of the outside on one line: what is not plain is replaced, and it is cut at `cap` characters. */
export function plainName(text: string, cap = 200): string {
  const safe = text.replaceAll(unsafe, '\ufffd');
  return safe.length > cap ? `${safe.slice(0, cap - 1)}…` : safe;
}
