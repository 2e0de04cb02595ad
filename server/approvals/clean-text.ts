// Text that people and agents write about a request: scanned before it is kept, values replaced, controls taken out.
import type { ScanService } from '../../core/services.ts';

const stars = new TextEncoder().encode('***');
// Controls but the line feed, and the characters that reorder or hide what a reader sees.
const unsafe =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** The text as it may be kept and shown. Rejects where it cannot be scanned. */
export async function cleanText(
  scanner: Pick<ScanService, 'scan'>,
  label: string,
  text: string,
  signal: AbortSignal,
): Promise<string> {
  const plain = text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll(unsafe, ' ').trim();
  if (plain === '') return '';
  const bytes = new TextEncoder().encode(plain);
  // The scanner may keep the buffer that it is given.
  const { findings } = await scanner.scan({ kind: 'message', path: label }, bytes.slice(), signal);
  const parts: Uint8Array[] = [];
  let kept = 0;
  for (const { byteStart, byteEnd } of findings.toSorted((a, b) => a.byteStart - b.byteStart)) {
    if (byteStart >= kept) parts.push(bytes.subarray(kept, byteStart), stars);
    kept = Math.max(kept, byteEnd);
  }
  parts.push(bytes.subarray(kept));
  return Buffer.concat(parts).toString('utf8');
}
