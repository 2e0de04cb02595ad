// What is kept beside the audit log because it is too large for an entry: the entry holds its SHA-256, so whoever is
// shown it can tell that it is what was recorded. Everything in it was masked before it got here.
import { z } from 'zod';

export const evidenceCaps = {
  /** Bytes of one document. */
  bytes: 256 * 1024,
  /** Files that are named; the others are counted. */
  files: 1_000,
} as const;

const mode = z.string().max(8).nullable();
const bytes = z.int().nonnegative().nullable();

export const evidenceFileSchema = z.object({
  ref: z.string(),
  path: z.string(),
  change: z.enum(['add', 'modify', 'delete']),
  oldMode: mode,
  newMode: mode,
  oldBytes: bytes,
  newBytes: bytes,
  binary: z.boolean(),
  truncated: z.boolean(),
  masked: z.int().nonnegative(),
  hunks: z
    .array(
      z.object({
        oldStart: z.int(),
        oldLines: z.int(),
        newStart: z.int(),
        newLines: z.int(),
        lines: z.array(z.object({ kind: z.enum(['context', 'remove', 'add']), text: z.string() })).readonly(),
      }),
    )
    .readonly(),
});

/** What a push changes, as it was when it was decided. */
const pushChangesSchema = z.object({
  v: z.literal(1),
  kind: z.literal('push-changes'),
  request: z.string(),
  repository: z.string(),
  /** SHA-256 over the sorted object ids of the pack, hex: the same as in the entry of the decision. */
  objectSetDigest: z.string(),
  /** All changed paths. */
  total: z.int().nonnegative(),
  files: z.array(evidenceFileSchema).max(evidenceCaps.files).readonly(),
});

export const evidenceSchema = z.discriminatedUnion('kind', [pushChangesSchema]);
export type Evidence = z.output<typeof evidenceSchema>;

/** Keeps documents by their SHA-256. */
export interface EvidenceStore {
  /** Keeps a document durably and sealed; its digest, hex, and what its key is called. Rejects with `database/unavailable`. */
  keep(
    evidence: Evidence,
  ): Promise<{ readonly digest: string; readonly bytes: number; readonly key: string }>;
  /** The document, where it is kept and still is what its digest says. */
  find(digest: string): Promise<FoundEvidence>;
}

/** Seals documents under the key of the repository and the month in which it is done. */
export interface EvidenceSeal {
  seal(
    repository: string,
    digest: string,
    body: Uint8Array,
  ): Promise<{ readonly key: string; readonly data: Uint8Array }>;
  /** Undefined where it was changed. Rejects with `audit/unavailable` where the key is not here. */
  open(key: string, digest: string, data: Uint8Array): Promise<Uint8Array | undefined>;
}

/** `gone`: it is not kept any more; `destroyed`: two people had it destroyed; `changed`: what is kept is not what was recorded. */
export type FoundEvidence =
  | { readonly kind: 'kept'; readonly evidence: Evidence }
  | { readonly kind: 'gone' }
  | { readonly kind: 'destroyed' }
  | { readonly kind: 'changed' };
