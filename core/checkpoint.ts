// Signed tree heads as text: a C2SP tlog-checkpoint inside a C2SP signed-note with Ed25519 signatures. Parsing takes
// bytes from anywhere; a checkpoint counts only after `openCheckpoint` has verified it with a known key.
//
//   note       = text LF *( "— " key-name " " base64( key-id(4) ‖ signature ) LF )
//   text       = origin LF size LF base64( root ) LF *( extension-line LF )
//   key-id     = SHA-256( key-name ‖ LF ‖ type ‖ public-key(32) )[:4]
//   vkey       = key-name "+" hex( key-id ) "+" base64( type ‖ public-key(32) )
//   type       = 0x01 of a log, 0x04 of a witness
import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { strictBase64 } from './base64.ts';
import { hashLength, type Hash } from './merkle.ts';

export interface Checkpoint {
  /** Name of the log; also the name of its key. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: string;
  readonly signature: Uint8Array;
}

export interface SignedCheckpoint extends Checkpoint {
  /** The signed text, with its final line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A public key under its name, as a verifier needs it. */
export interface NoteVerifier {
  readonly name: string;
  /** First four bytes of the key's digest, hex. */
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

export interface NoteSigner extends NoteVerifier {
  readonly privateKey: KeyObject;
}

const maxNoteLength = 65_536;
const maxSignatures = 64;
/** What a key signs: notes as they are, or timestamped statements about checkpoints (C2SP tlog-cosignature). */
export const signatureTypes = { note: 0x01, cosignature: 0x04 } as const;
export type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];
const ed25519SpkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const namePattern = /^[^\s+\p{Cc}]{1,255}$/u;
const sizePattern = /^(0|[1-9][0-9]{0,15})$/;
const signaturePattern = /^— ([^\s+]{1,255}) ([A-Za-z0-9+/]+={0,2})$/u;

function rawPublicKey(key: KeyObject): Uint8Array {
  return key.export({ type: 'spki', format: 'der' }).subarray(ed25519SpkiPrefix.length);
}

function keyIdOf(name: string, raw: Uint8Array, type: SignatureType): string {
  const hashed = Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(type), raw]);
  return hash('sha256', hashed, 'hex').slice(0, 8);
}

/** Makes a signer of an Ed25519 private key. Throws a `TypeError` on another kind of key or a name that no note can carry. */
export function createSigner(
  name: string,
  privateKey: KeyObject,
  type: SignatureType = signatureTypes.note,
): NoteSigner {
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new TypeError('the signing key is not an Ed25519 key');
  if (!namePattern.test(name)) throw new TypeError('a key name has neither spaces nor plus signs');
  const publicKey = createPublicKey(privateKey);
  return { name, keyId: keyIdOf(name, rawPublicKey(publicKey), type), publicKey, privateKey };
}

/** The verifier key as one line of text, to be given to whoever checks the log. */
export function verifierKeyText(key: NoteVerifier, type: SignatureType = signatureTypes.note): string {
  const raw = Buffer.concat([Uint8Array.of(type), rawPublicKey(key.publicKey)]);
  return `${key.name}+${key.keyId}+${raw.toString('base64')}`;
}

/** Reads a verifier key; undefined where the text is none, or its key id does not fit. */
export function parseVerifierKey(
  text: string,
  type: SignatureType = signatureTypes.note,
): NoteVerifier | undefined {
  const [name = '', keyId = '', ...rest] = text.split('+');
  const encoded = strictBase64(rest.join('+'));
  if (!namePattern.test(name) || encoded?.length !== 33 || encoded[0] !== type) return undefined;
  const raw = encoded.subarray(1);
  if (keyId !== keyIdOf(name, raw, type)) return undefined;
  const der = Buffer.concat([ed25519SpkiPrefix, raw]);
  return { name, keyId, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

/** The text that is signed for a checkpoint. */
export function checkpointText(checkpoint: Checkpoint): string {
  const root = Buffer.from(checkpoint.root).toString('base64');
  return `${checkpoint.origin}\n${checkpoint.size}\n${root}\n`;
}

/** Signs a checkpoint whose origin is the signer's name, with further keys where they are given; the whole note. */
export function signCheckpoint(
  checkpoint: Omit<Checkpoint, 'origin'>,
  signer: NoteSigner,
  ...further: readonly NoteSigner[]
): string {
  const text = checkpointText({ ...checkpoint, origin: signer.name });
  return `${text}\n${[signer, ...further].map((one) => signatureLine(one, text)).join('')}`;
}

function signatureLine(signer: NoteSigner, text: string): string {
  return formatSignature(signer, sign(null, Buffer.from(text), signer.privateKey));
}

/** A signature as a line of a note, with its line feed. */
export function formatSignature({ name, keyId }: NoteVerifier, signature: Uint8Array): string {
  return `— ${name} ${Buffer.concat([Buffer.from(keyId, 'hex'), signature]).toString('base64')}\n`;
}

function parseSignature(line: string): NoteSignature | undefined {
  const [, name, encoded] = signaturePattern.exec(line) ?? [];
  const bytes = encoded === undefined ? undefined : strictBase64(encoded);
  if (name === undefined || bytes === undefined || bytes.length < 5) return undefined;
  return { name, keyId: Buffer.from(bytes.subarray(0, 4)).toString('hex'), signature: bytes.subarray(4) };
}

/** Reads a note without judging its signatures; undefined where it is malformed or over the caps. */
export function parseCheckpoint(note: string): SignedCheckpoint | undefined {
  const split = note.indexOf('\n\n');
  if (note.length > maxNoteLength || split < 0 || !note.endsWith('\n')) return undefined;
  const text = note.slice(0, split + 1);
  // Signed notes hold no control characters but the line feed.
  if (/[\0-\t\v-\x1f\x7f]/.test(note)) return undefined;
  const [origin = '', sizeText = '', rootText = ''] = text.split('\n');
  const root = strictBase64(rootText);
  const size = Number(sizeText);
  if (origin === '' || !sizePattern.test(sizeText) || !Number.isSafeInteger(size)) return undefined;
  if (root?.length !== hashLength) return undefined;
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > maxSignatures) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignature(line);
    if (signature === undefined) return undefined;
    signatures.push(signature);
  }
  return { origin, size, root, text, signatures };
}

/** The signatures under a note that the key must have made; undefined where the note cannot be one of the key. */
function claimed(
  note: string,
  key: NoteVerifier,
): { readonly checkpoint: SignedCheckpoint; readonly ours: readonly NoteSignature[] } | undefined {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint === undefined || checkpoint.origin !== key.name) return undefined;
  const ours = checkpoint.signatures.filter(({ name, keyId }) => name === key.name && keyId === key.keyId);
  return ours.length === 0 ? undefined : { checkpoint, ours };
}

/**
 * Reads a note and verifies it: undefined unless it is well formed, its origin is the key's name, and it carries a good
 * signature by the key. Signatures of other keys are ignored, a bad one under this key's name and id is not.
 */
export function openCheckpoint(note: string, key: NoteVerifier): SignedCheckpoint | undefined {
  const claim = claimed(note, key);
  if (claim === undefined) return undefined;
  const { checkpoint, ours } = claim;
  const signed = Buffer.from(checkpoint.text);
  return ours.every(({ signature }) => verify(null, signed, key.publicKey, signature))
    ? checkpoint
    : undefined;
}

const verifyBeside = promisify<null, Buffer, KeyObject, Uint8Array, boolean>(verify);

/** The same, computed beside the caller's thread. */
export async function openCheckpointBeside(
  note: string,
  key: NoteVerifier,
): Promise<SignedCheckpoint | undefined> {
  const claim = claimed(note, key);
  if (claim === undefined) return undefined;
  const { checkpoint, ours } = claim;
  const signed = Buffer.from(checkpoint.text);
  for (const { signature } of ours)
    if (!(await verifyBeside(null, signed, key.publicKey, signature))) return undefined;
  return checkpoint;
}
