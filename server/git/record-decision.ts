// Records what was decided about a push. Where it is about to be forwarded and updates more refs than its entry has room
// for, the whole list is kept before as evidence, in parts, and the entry names them: what the upstream tells of later can
// be compared with it.
import { type EvidenceStore, evidenceCaps, type PushRefs } from '../../core/activity/evidence.ts';
import type { AuditLog } from '../../core/services.ts';
import {
  type DecidedFacts,
  decidedEvent,
  evidenceEvent,
  type PushIdentity,
  shownUpdates,
} from './push-audit.ts';

export interface DecisionServices {
  readonly audit: Pick<AuditLog, 'append'>;
  readonly evidenceStore: Pick<EvidenceStore, 'keep'>;
}

/** A part of a list: SHA-256 of the document, hex, and how many updates are in it. */
export interface RefListPart {
  readonly digest: string;
  readonly count: number;
}

type Update = PushRefs['updates'][number];

/** What an entry of a decision surely has room for, beside everything else in it. */
const roomInEntry = 20_000;
/** Of the document around its updates. */
const frameBytes = 4_096;
const mostInPart = 1_000;

/**
 * Makes the decision durable; `approval` is the one that lets a held push go on. Rejects with `database/unavailable` or
 * `audit/unavailable`: nothing may be forwarded then.
 */
export async function recordDecision(
  services: DecisionServices,
  identity: PushIdentity,
  facts: DecidedFacts,
  approval?: string,
): Promise<void> {
  const isForwarded = facts.verdict.kind === 'allow' || approval !== undefined;
  const lists = isForwarded ? await keepLists(services, identity, facts) : [];
  await services.audit.append(decidedEvent(identity, facts, { approval, lists }));
}

async function keepLists(
  services: DecisionServices,
  identity: PushIdentity,
  facts: DecidedFacts,
): Promise<readonly RefListPart[]> {
  const parts: RefListPart[] = [];
  if (fitsEntry(facts)) return parts;
  for (const updates of inParts(facts)) {
    const { request, repository } = identity;
    const part = parts.length + 1;
    const document: PushRefs = { v: 1, kind: 'push-refs', request, repository, part, updates };
    const { digest, bytes, key } = await services.evidenceStore.keep(document);
    const details = { kind: 'push-refs', digest, bytes, key, part, count: updates.length } as const;
    await services.audit.append(evidenceEvent(identity, details));
    parts.push({ digest, count: updates.length });
  }
  return parts;
}

function fitsEntry(facts: DecidedFacts): boolean {
  let room = roomInEntry;
  for (const update of shownUpdates(facts)) {
    room -= sizeOf(update);
    if (room < 0) return false;
  }
  return true;
}

function* inParts(facts: DecidedFacts): Generator<readonly Update[]> {
  let part: Update[] = [];
  let room = evidenceCaps.bytes - frameBytes;
  for (const update of shownUpdates(facts)) {
    const size = sizeOf(update);
    if (part.length === mostInPart || size > room) {
      yield part;
      part = [];
      room = evidenceCaps.bytes - frameBytes;
    }
    part.push(update);
    room -= size;
  }
  if (part.length > 0) yield part;
}

const sizeOf = (update: Update): number => Buffer.byteLength(JSON.stringify(update)) + 1;
