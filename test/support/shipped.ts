// Items as they are on their way to a receiver, made of events.
import { createHash } from 'node:crypto';
import { entryBytes, parseEntry, prepareEvent } from '../../core/audit-entry.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import type { ShippedItem } from '../../core/shipped-record.ts';

/** The leaf hash as RFC 6962 has it, by hand. */
export function leafOf(body: Uint8Array): Buffer {
  return createHash('sha256').update(Uint8Array.of(0)).update(body).digest();
}

export function shippedEntry(event: AuditEvent, seq = 7): ShippedItem & { readonly kind: 'entry' } {
  const time = new Date('2026-03-01T12:00:00.123Z');
  const body = entryBytes(prepareEvent(event, time), { index: seq, time });
  const entry = parseEntry(body);
  if (entry === undefined) throw new Error('not an entry');
  return { kind: 'entry', seq, leaf: leafOf(body), body, entry };
}
