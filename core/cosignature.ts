// Statements of witnesses about checkpoints (C2SP tlog-cosignature, Ed25519): "as of this time, this is the largest
// consistent tree that I have seen of this log".
//
//   signature = timestamp(8, big-endian seconds) ‖ Ed25519( "cosignature/v1" LF "time " seconds LF checkpoint-text )
import { sign, verify } from 'node:crypto';
import { formatSignature, parseCheckpoint, type NoteSigner, type NoteVerifier } from './checkpoint.ts';

const signatureBytes = 72;

function message(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
}

/** The line that a witness adds to a checkpoint whose text this is. */
export function cosign(text: string, witness: NoteSigner, time: Date): string {
  const seconds = BigInt(Math.floor(time.getTime() / 1000));
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(seconds);
  return formatSignature(
    witness,
    Buffer.concat([stamp, sign(null, message(text, seconds), witness.privateKey)]),
  );
}

/** When the witness has cosigned the note; undefined where it has not, or a signature under its name is bad. */
export function cosignedAt(note: string, witness: NoteVerifier): Date | undefined {
  const checkpoint = parseCheckpoint(note);
  const ours = (checkpoint?.signatures ?? []).filter(
    ({ name, keyId }) => name === witness.name && keyId === witness.keyId,
  );
  let latest: bigint | undefined;
  for (const { signature } of ours) {
    if (checkpoint === undefined || signature.length !== signatureBytes) return undefined;
    const bytes = Buffer.from(signature);
    const seconds = bytes.readBigUInt64BE(0);
    if (!verify(null, message(checkpoint.text, seconds), witness.publicKey, bytes.subarray(8)))
      return undefined;
    latest = latest === undefined || seconds > latest ? seconds : latest;
  }
  return latest === undefined ? undefined : new Date(Number(latest) * 1000);
}
