// Proofs as text: that an entry is in a log (C2SP tlog-proof), and that one log continues another (the request of C2SP
// tlog-witness). Both come from anyone; they count only after the checkpoint in them was verified with a known key.
//
//   inclusion   = "c2sp.org/tlog-proof@v1" LF [ "extra " base64( entry ) LF ] "index " N LF *( hash LF ) LF checkpoint
//   consistency = "old " N LF *( hash LF ) LF checkpoint
import { base64, strictBase64 } from './base64.ts';
import { hashLength, type Hash } from './merkle.ts';

export interface ProofOfInclusion {
  readonly index: number;
  /** The entry's bytes, as the proof brings them along; the hash over them is what is proved. */
  readonly entry: Uint8Array | undefined;
  readonly hashes: readonly Hash[];
  /** The signed note. */
  readonly checkpoint: string;
}

export interface ProofOfConsistency {
  readonly oldSize: number;
  readonly hashes: readonly Hash[];
  readonly checkpoint: string;
}

const firstLine = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^63 leaves has no longer proof. */
const maxHashes = 63;
/** A proof with an entry of 64 KiB and a note of 64 KiB stays below. */
export const maxProofLength = 262_144;
const numberPattern = /^(0|[1-9][0-9]{0,15})$/;

/** Writes a proof of inclusion; `entry` goes along as the extra data. */
export function inclusionText({ index, entry, hashes, checkpoint }: ProofOfInclusion): string {
  const extra = entry === undefined ? [] : [`extra ${base64(entry)}`];
  return `${[firstLine, ...extra, `index ${index}`, ...hashes.map(base64)].join('\n')}\n\n${checkpoint}`;
}

/** Writes a proof of consistency. */
export function consistencyText({ oldSize, hashes, checkpoint }: ProofOfConsistency): string {
  return `${[`old ${oldSize}`, ...hashes.map(base64)].join('\n')}\n\n${checkpoint}`;
}

function parseNumber(text: string): number | undefined {
  const number = Number(text);
  return numberPattern.test(text) && Number.isSafeInteger(number) ? number : undefined;
}

function parseHashes(lines: readonly string[]): readonly Hash[] | undefined {
  const hashes = lines.map(strictBase64);
  if (hashes.length > maxHashes) return undefined;
  return hashes.every((hash) => hash !== undefined && hash.length === hashLength)
    ? hashes.filter((hash) => hash !== undefined)
    : undefined;
}

/** Splits a proof's own lines from the checkpoint behind the first empty line. */
function splitProof(
  text: string,
): { readonly lines: readonly string[]; readonly checkpoint: string } | undefined {
  const end = text.indexOf('\n\n');
  if (text.length > maxProofLength || end < 0) return undefined;
  return { lines: text.slice(0, end).split('\n'), checkpoint: text.slice(end + 2) };
}

/** The rest of the line behind its keyword; undefined where it begins with another one. */
function valueOf(line: string | undefined, keyword: string): string | undefined {
  return line?.startsWith(`${keyword} `) === true ? line.slice(keyword.length + 1) : undefined;
}

/** Reads a proof of inclusion; undefined where it is malformed. */
export function parseInclusion(text: string): ProofOfInclusion | undefined {
  const split = splitProof(text);
  if (split === undefined || split.lines[0] !== firstLine) return undefined;
  const extra = valueOf(split.lines[1], 'extra');
  const entry = extra === undefined ? undefined : strictBase64(extra);
  if (extra !== undefined && entry === undefined) return undefined;
  const rest = split.lines.slice(extra === undefined ? 1 : 2);
  const index = parseNumber(valueOf(rest[0], 'index') ?? '');
  const hashes = parseHashes(rest.slice(1));
  if (index === undefined || hashes === undefined) return undefined;
  return { index, entry, hashes, checkpoint: split.checkpoint };
}

/** Reads a proof of consistency; undefined where it is malformed. */
export function parseConsistency(text: string): ProofOfConsistency | undefined {
  const split = splitProof(text);
  const oldSize = parseNumber(valueOf(split?.lines[0], 'old') ?? '');
  const hashes = parseHashes(split?.lines.slice(1) ?? []);
  if (split === undefined || oldSize === undefined || hashes === undefined) return undefined;
  return { oldSize, hashes, checkpoint: split.checkpoint };
}
