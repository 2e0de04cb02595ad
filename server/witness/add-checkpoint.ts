// Judges a checkpoint that somebody submits to a witness (C2SP tlog-witness, add-checkpoint). The body comes from anyone;
// what counts is a known log's signature and the proof that it continues what was cosigned before.
import { openCheckpoint, parseCheckpoint, type NoteVerifier } from '../../core/checkpoint.ts';
import { emptyRoot } from '../../core/merkle.ts';
import { sameHash, verifyConsistency } from '../../core/merkle-proof.ts';
import { parseConsistency } from '../../core/tlog-proof.ts';

/** What the witness answers; only `cosign` leads to a signature. */
export type Judgement =
  | { readonly kind: 'cosign'; readonly origin: string; readonly text: string; readonly note: string }
  | { readonly kind: 'refuse'; readonly status: 400 | 403 | 404 | 422; readonly message: string }
  /** 409: the witness has cosigned `size` entries, not what the submitter thought. */
  | { readonly kind: 'conflict'; readonly size: number };

const refuse = (status: 400 | 403 | 404 | 422, message: string): Judgement => ({
  kind: 'refuse',
  status,
  message,
});

/**
 * `keys` are those of the logs that are witnessed, `latest` tells the largest cosigned note of a log. A log may have
 * several keys, when it changes them; a signature by one of them is enough.
 */
export async function judge(
  body: string,
  keys: readonly NoteVerifier[],
  latest: (origin: string) => Promise<string | undefined>,
): Promise<Judgement> {
  const proof = parseConsistency(body);
  const origin = proof === undefined ? undefined : parseCheckpoint(proof.checkpoint)?.origin;
  if (proof === undefined || origin === undefined) return refuse(400, 'the request is malformed');
  const known = keys.filter(({ name }) => name === origin);
  if (known.length === 0) return refuse(404, 'the log is not known here');
  const checkpoint = known
    .map((key) => openCheckpoint(proof.checkpoint, key))
    .find((opened) => opened !== undefined);
  if (checkpoint === undefined) return refuse(403, 'no known key of the log has signed the checkpoint');
  const { size, root, text } = checkpoint;
  const { oldSize } = proof;
  if (oldSize > size) return refuse(400, 'the old size is larger than that of the checkpoint');
  const cosigned = parseCheckpoint((await latest(origin)) ?? '');
  if (oldSize !== (cosigned?.size ?? 0)) return { kind: 'conflict', size: cosigned?.size ?? 0 };
  if (size === 0 && !sameHash(root, emptyRoot)) return refuse(422, 'an empty log has another root');
  const oldRoot = cosigned?.root ?? emptyRoot;
  if (!verifyConsistency({ oldSize, newSize: size, oldRoot, newRoot: root, proof: proof.hashes }))
    return refuse(422, 'the checkpoint does not continue what was cosigned before');
  return { kind: 'cosign', origin, text, note: proof.checkpoint };
}
