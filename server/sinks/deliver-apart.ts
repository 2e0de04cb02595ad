// Sends a batch, and where the receiver will not have it finds out which of its entries it means. A receiver that refuses
// everything is an outage: nothing is given up for it. One that takes some and not others keeps nobody waiting: those
// that it refuses are set apart.
import { randomInt } from 'node:crypto';
import type { ShippedItem } from '../../core/shipped-record.ts';
import type { Batch, Delivery, Sink } from './sink.ts';

export interface Refused {
  readonly item: ShippedItem;
  readonly problem: string;
}

export type Outcome =
  | { readonly kind: 'taken'; readonly refused: readonly Refused[] }
  | { readonly kind: 'later'; readonly problem: string; readonly waitMs?: number };

type Send = (items: readonly ShippedItem[]) => Promise<Delivery>;

const probes = 3;

/** True where one of a few entries, taken alone and at random, is accepted. */
async function takesAny(send: Send, items: readonly ShippedItem[]): Promise<Delivery> {
  let last: Delivery = { kind: 'later', problem: 'nothing to send' };
  for (let probe = 0; probe < probes && items.length > 0; probe += 1) {
    last = await send(items.slice(randomInt(items.length)).slice(0, 1));
    if (last.kind !== 'refused') return last;
  }
  return last;
}

async function divide(send: Send, items: readonly ShippedItem[], refused: Refused[]): Promise<Delivery> {
  const delivery = await send(items);
  const [only] = items;
  if (delivery.kind !== 'refused' || only === undefined) return delivery;
  if (items.length === 1) {
    refused.push({ item: only, problem: delivery.problem });
    return { kind: 'taken' };
  }
  const middle = Math.ceil(items.length / 2);
  const left = await divide(send, items.slice(0, middle), refused);
  return left.kind === 'taken' ? divide(send, items.slice(middle), refused) : left;
}

/** Sends a batch with every item that the receiver accepts. */
export async function deliverApart(sink: Sink, batch: Batch, signal: AbortSignal): Promise<Outcome> {
  const send: Send = (items) => sink.deliver({ ...batch, items }, signal);
  const whole = await send(batch.items);
  if (whole.kind === 'taken') return { kind: 'taken', refused: [] };
  if (whole.kind === 'later') return whole;
  const any = await takesAny(send, batch.items);
  if (any.kind === 'later') return any;
  // Also a single entry: others will come, and tell which of the two is wrong.
  if (any.kind === 'refused') return { kind: 'later', problem: any.problem };
  const refused: Refused[] = [];
  const divided = await divide(send, batch.items, refused);
  if (divided.kind !== 'taken')
    return divided.kind === 'later' ? divided : { kind: 'later', problem: divided.problem };
  // Where they were is still told; a receiver that refuses that, too, has the hole.
  const gaps = refused.flatMap(({ item }): readonly ShippedItem[] =>
    item.kind === 'entry'
      ? [{ kind: 'skipped', from: item.seq, past: item.seq + 1, nodes: [item.leaf], why: 'refused' }]
      : [],
  );
  if (gaps.length > 0) await send(gaps);
  return { kind: 'taken', refused };
}
