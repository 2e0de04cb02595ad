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
export type PushChanges = z.output<typeof pushChangesSchema>;

/** What a push updates that is about to be forwarded, where its entry has no room for all of it: one part of the list. */
const pushRefsSchema = z.object({
  v: z.literal(1),
  kind: z.literal('push-refs'),
  request: z.string(),
  repository: z.string(),
  part: z.int().min(1),
  updates: z
    .array(
      z.object({
        /** Masked where `shown` says so. */
        ref: z.string(),
        shown: z.literal('masked').optional(),
        kind: z.string(),
        old: z.string(),
        new: z.string(),
      }),
    )
    .readonly(),
});
export type PushRefs = z.output<typeof pushRefsSchema>;

const workflowFacts = {
  v: z.literal(1),
  request: z.string(),
  repository: z.string(),
  run: z.int(),
  attempt: z.int(),
  /** Masked. */
  name: z.string(),
};

/** A part of the redacted log of a job. */
const workflowLogSchema = z.object({
  ...workflowFacts,
  kind: z.literal('workflow-log'),
  job: z.int(),
  /** When its first line was written. */
  startedAt: z.iso.datetime(),
  part: z.int().min(1),
  /** Seconds since the log began, and what was written, without its line end. */
  lines: z.array(z.tuple([z.number().nonnegative(), z.string()])).readonly(),
});
export type WorkflowLogPart = z.output<typeof workflowLogSchema>;

export const artifactFileSchema = z.object({
  /** Masked. */
  path: z.string(),
  /** Bytes, unpacked. */
  size: z.int().nonnegative(),
  /** Null for a file with findings, whose values it could be used to guess, and for one that could not be read. */
  sha256: z.string().nullable(),
  findings: z.int().nonnegative(),
  /** Rules of its findings. */
  rules: z.array(z.string()).readonly(),
});

export type ArtifactFile = z.output<typeof artifactFileSchema>;

/** The files of an artifact of a workflow. */
const workflowArtifactSchema = z.object({
  ...workflowFacts,
  kind: z.literal('workflow-artifact'),
  artifact: z.int(),
  /** Bytes, packed. */
  bytes: z.int().nonnegative(),
  /** All files; those that are not named are counted. */
  total: z.int().nonnegative(),
  files: z.array(artifactFileSchema).readonly(),
});
export type WorkflowArtifactList = z.output<typeof workflowArtifactSchema>;

export const evidenceSchema = z.discriminatedUnion('kind', [
  pushChangesSchema,
  pushRefsSchema,
  workflowLogSchema,
  workflowArtifactSchema,
]);
export type Evidence = z.output<typeof evidenceSchema>;

/** Keeps documents by their SHA-256. */
export interface EvidenceStore {
  /**
   * Keeps a document durably and sealed; its digest, hex, and what the key is called under which it is kept: that of an equal
   * document where there was one. Rejects with `database/unavailable`.
   */
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
