// Deltas written by hand (gitformat-pack, "Deltified representation").
//
//   delta = base-size result-size *(copy | insert)
//   copy  = 1xxxxxxx [offset bytes] [size bytes], little-endian, only the bytes whose bit is set; size 0 means 65536
//   insert = 0nnnnnnn data(n)

export type DeltaStep =
  | { readonly kind: 'copy'; readonly offset: number; readonly length: number }
  | { readonly kind: 'insert'; readonly bytes: Uint8Array };

const longestCopy = 0xffffff;

/** Encodes steps against a base of `baseSize` bytes; long steps are split as the format needs. */
export function delta(baseSize: number, steps: readonly DeltaStep[]): Uint8Array {
  const resultSize = steps.reduce(
    (size, step) => size + (step.kind === 'copy' ? step.length : step.bytes.length),
    0,
  );
  return Buffer.concat([sizeBytes(baseSize), sizeBytes(resultSize), ...steps.flatMap(encodeStep)]);
}

/** The delta that appends `added` to a base. */
export function appendDelta(base: Uint8Array, added: Uint8Array): Uint8Array {
  return delta(base.length, [
    { kind: 'copy', offset: 0, length: base.length },
    { kind: 'insert', bytes: added },
  ]);
}

function encodeStep(step: DeltaStep): readonly Buffer[] {
  const parts: Buffer[] = [];
  if (step.kind === 'insert') {
    for (let at = 0; at < step.bytes.length; at += 127) {
      const piece = step.bytes.subarray(at, at + 127);
      parts.push(Buffer.from([piece.length]), Buffer.from(piece));
    }
    return parts;
  }
  for (let done = 0; done < step.length; done += longestCopy) {
    parts.push(encodeCopy(step.offset + done, Math.min(longestCopy, step.length - done)));
  }
  return parts;
}

function encodeCopy(offset: number, length: number): Buffer {
  let flags = 0x80;
  const bytes: number[] = [];
  for (let at = 0; at < 4; at += 1) {
    const byte = (offset >>> (8 * at)) & 0xff;
    if (byte === 0) continue;
    flags |= 1 << at;
    bytes.push(byte);
  }
  for (let at = 0; at < 3; at += 1) {
    const byte = (length >>> (8 * at)) & 0xff;
    if (byte === 0) continue;
    flags |= 1 << (4 + at);
    bytes.push(byte);
  }
  return Buffer.from([flags, ...bytes]);
}

function sizeBytes(size: number): Buffer {
  const bytes: number[] = [];
  let left = size;
  while (left >= 128) {
    bytes.push((left % 128) | 0x80);
    left = Math.floor(left / 128);
  }
  return Buffer.from([...bytes, left]);
}
