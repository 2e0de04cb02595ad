// Object ids, as Git writes them: 40 hex digits (SHA-1) or 64 (SHA-256).

declare const oidBrand: unique symbol;
/** A checked object id in lower-case hex. Made only by `parseOid`. */
export type Oid = string & { readonly [oidBrand]: true };

export type ObjectFormat = 'sha1' | 'sha256';

/** Hex digits of an object id in each format. */
export const oidLength: Readonly<Record<ObjectFormat, number>> = { sha1: 40, sha256: 64 };

/** Returns `text` as an object id of `format`, or undefined where it is not one. */
export function parseOid(text: string, format: ObjectFormat): Oid | undefined {
  return text.length === oidLength[format] && /^[0-9a-f]+$/.test(text) ? (text as Oid) : undefined;
}

/** The object id with these bytes: 20 of SHA-1 or 32 of SHA-256. */
export function oidFromBytes(bytes: Uint8Array): Oid {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex') as Oid;
}

/** The all-zero id that stands for "no object" in a ref update. */
export function zeroOid(format: ObjectFormat): Oid {
  return '0'.repeat(oidLength[format]) as Oid;
}

/** True for the id that stands for no object. */
export function isZero(oid: Oid): boolean {
  return /^0+$/.test(oid);
}
