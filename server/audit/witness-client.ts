// Asks a witness to cosign a checkpoint (C2SP tlog-witness). What it answers counts only by the signature that is in it.
import { parseCheckpoint, type NoteVerifier } from '../../core/checkpoint.ts';
import { cosignedAt } from '../../core/cosignature.ts';
import { GuardError } from '../../core/errors.ts';
import { consistencyText, type ProofOfConsistency } from '../../core/tlog-proof.ts';
import { hash } from 'node:crypto';

export interface Witness {
  /** Where it is reached, without a trailing slash. */
  readonly url: string;
  readonly key: NoteVerifier;
}

export type WitnessAnswer =
  /** The line to add to the checkpoint. */
  | { readonly kind: 'cosigned'; readonly line: string }
  /** It has cosigned this many entries already. */
  | { readonly kind: 'conflict'; readonly size: number }
  | { readonly kind: 'refused'; readonly status: number };

const deadlineMs = 10_000;
const maxAnswerBytes = 65_536;

async function readAnswer(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (body === null) return '';
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new RangeError('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function ask<T>(url: string, init: RequestInit, read: (status: number, text: string) => T): Promise<T> {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(deadlineMs),
    });
    return read(response.status, await readAnswer(response));
  } catch (cause) {
    throw new GuardError('audit/witness', `the witness at ${new URL(url).host} did not answer`, { cause });
  }
}

/** Submits a checkpoint with the proof that it continues the last one. Rejects with `audit/witness` without an answer. */
export function addCheckpoint({ url, key }: Witness, proof: ProofOfConsistency): Promise<WitnessAnswer> {
  const init = { method: 'POST', body: consistencyText(proof) };
  return ask(`${url}/add-checkpoint`, init, (status, text): WitnessAnswer => {
    if (status === 409 && /^(0|[1-9][0-9]{0,15})\n$/.test(text))
      return { kind: 'conflict', size: Number(text) };
    const lines = text.split(/(?<=\n)/);
    const line = lines.find((one) => cosignedAt(`${proof.checkpoint}${one}`, key) !== undefined);
    return status === 200 && line !== undefined ? { kind: 'cosigned', line } : { kind: 'refused', status };
  });
}

/** The largest checkpoint of a log that the witness has cosigned; undefined where it shows none that it has signed. */
export function fetchCosigned({ url, key }: Witness, origin: string): Promise<string | undefined> {
  return ask(`${url}/${hash('sha256', origin, 'hex')}/checkpoint`, {}, (status, text) => {
    const isGood =
      status === 200 && parseCheckpoint(text)?.origin === origin && cosignedAt(text, key) !== undefined;
    return isGood ? text : undefined;
  });
}
