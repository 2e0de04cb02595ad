// What leaves the log live, as lines of JSON. A receiver that keeps them can prove with the verifier key alone that
// nothing is missing or changed: entries come with their place and leaf hash (RFC 6962 §2.1), stretches that were left
// out with the hashes of their subtrees, and every so often a signed checkpoint. Lines come back from anywhere.
//
//   entry      = {"entry": the canonical entry, "leaf": base64, "log": name, "seq": place}
//   cut entry  = the same without the entry's details, and {"cut": bytes of the whole}
//   skipped    = {"log": name, "skipped": {"from": place, "nodes": [base64], "past": place, "why": reason}}
//   checkpoint = {"checkpoint": signed note, "edge": {"nodes": [base64], "size": entries}, "log": name, "size": entries}
//
// The edge is the tree of what was sent before, so that lines prove themselves where older ones are no longer kept.
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { AuditEntry } from './audit-entry.ts';
import { base64, strictBase64 } from './base64.ts';
import { hashLength, type Hash } from './merkle.ts';

/** Why entries are not sent: by the sink's filter, because the receiver refused them, or because they are gone. */
export type SkipReason = 'filter' | 'refused' | 'pruned';

/** The perfect subtrees of the first `size` entries, leftmost first. */
export interface ShippedEdge {
  readonly size: number;
  readonly nodes: readonly Hash[];
}

export type ShippedItem =
  | {
      readonly kind: 'entry';
      readonly seq: number;
      readonly leaf: Hash;
      readonly body: Uint8Array;
      readonly entry: AuditEntry;
    }
  | {
      readonly kind: 'skipped';
      readonly from: number;
      readonly past: number;
      readonly nodes: readonly Hash[];
      readonly why: SkipReason;
    }
  | {
      readonly kind: 'checkpoint';
      readonly size: number;
      readonly note: string;
      readonly edge: ShippedEdge;
    };

function entryText(
  log: string,
  { seq, leaf, body, entry }: ShippedItem & { readonly kind: 'entry' },
  maxBytes: number,
): string {
  const place = `"leaf":"${base64(leaf)}","log":${JSON.stringify(log)},"seq":${seq}}`;
  const whole = `{"entry":${Buffer.from(body).toString('utf8')},${place}`;
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  const { details: _details, ...rest } = entry;
  return `{"cut":${body.length},"entry":${canonicalize(rest) ?? '{}'},${place}`;
}

/** One line, without its end. An entry whose line would be longer than `maxBytes` goes without its details and says so. */
export function recordText(log: string, item: ShippedItem, maxBytes = Infinity): string {
  switch (item.kind) {
    case 'entry':
      return entryText(log, item, maxBytes);
    case 'skipped': {
      const { from, past, why } = item;
      return JSON.stringify({ log, skipped: { from, nodes: item.nodes.map(base64), past, why } });
    }
    case 'checkpoint':
      return JSON.stringify({
        checkpoint: item.note,
        edge: { nodes: item.edge.nodes.map(base64), size: item.edge.size },
        log,
        size: item.size,
      });
  }
}

const place = z.int().min(0);
const hashText = z.string().transform((text, context) => {
  const bytes = strictBase64(text);
  if (bytes?.length === hashLength) return bytes;
  context.addIssue({ code: 'custom', message: 'expected a SHA-256 in base64' });
  return z.NEVER;
});
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

const recordSchema = z.union([
  z.object({
    entry: z.custom<object>(isObject),
    leaf: hashText,
    log: z.string(),
    seq: place,
    cut: z.int().optional(),
  }),
  z.object({
    log: z.string(),
    skipped: z.object({ from: place, past: place, nodes: z.array(hashText).max(128), why: z.string() }),
  }),
  z.object({
    checkpoint: z.string().max(65_536),
    edge: z.object({ size: place, nodes: z.array(hashText).max(64) }),
    log: z.string(),
  }),
  // An OCSF event: the entry's bytes as they are.
  z.object({
    raw_data: z.string(),
    unmapped: z.object({ leaf: hashText, log: z.string(), seq: place }),
  }),
  z.object({ unmapped: z.object({ record: z.string().max(131_072) }) }),
]);

export type ReceivedRecord =
  | {
      readonly kind: 'entry';
      readonly log: string;
      readonly seq: number;
      readonly leaf: Hash;
      /** The entry's bytes in canonical form; undefined where it was cut. */
      readonly body: Uint8Array | undefined;
    }
  | {
      readonly kind: 'skipped';
      readonly log: string;
      readonly from: number;
      readonly past: number;
      readonly nodes: readonly Hash[];
      readonly why: string;
    }
  | {
      readonly kind: 'checkpoint';
      readonly log: string;
      readonly note: string;
      readonly edge: ShippedEdge;
    };

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads a line that a receiver kept: a record, with whatever the receiver put in front of its first brace, or an OCSF
 * event. Undefined where it is neither.
 */
export function parseRecord(line: string): ReceivedRecord | undefined {
  const begin = line.indexOf('{');
  const parsed = recordSchema.safeParse(parseJson(begin < 0 ? '' : line.slice(begin))).data;
  if (parsed === undefined) return undefined;
  if ('skipped' in parsed) return { kind: 'skipped', log: parsed.log, ...parsed.skipped };
  if ('checkpoint' in parsed) {
    const { checkpoint, edge, log } = parsed;
    return { kind: 'checkpoint', log, note: checkpoint, edge };
  }
  if ('raw_data' in parsed) return { kind: 'entry', ...parsed.unmapped, body: Buffer.from(parsed.raw_data) };
  if ('unmapped' in parsed) return parseRecord(parsed.unmapped.record);
  const { entry, leaf, log, seq, cut } = parsed;
  const canonical = cut === undefined ? canonicalize(entry) : undefined;
  return {
    kind: 'entry',
    log,
    seq,
    leaf,
    body: canonical === undefined ? undefined : Buffer.from(canonical),
  };
}
