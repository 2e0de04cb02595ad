// Strict Base64 (RFC 4648 §4): one text for the same bytes, so that no two files prove the same thing differently.

/** Decodes; undefined where the text does not encode back to itself. */
export function strictBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** Encodes. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
