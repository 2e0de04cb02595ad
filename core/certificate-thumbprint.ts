// Credentials that are bound to a client certificate (RFC 8705 §3): good only together with it.
import { createHash, timingSafeEqual } from 'node:crypto';

/** `x5t#S256` of a certificate in DER: SHA-256, base64url without padding. */
export function certificateThumbprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}

/** True where this is the certificate to which a credential is bound. */
export function isBoundTo(thumbprint: string, certificate: Uint8Array | undefined): boolean {
  if (certificate === undefined) return false;
  const expected = Buffer.from(thumbprint);
  const shown = Buffer.from(certificateThumbprint(certificate));
  return expected.length === shown.length && timingSafeEqual(expected, shown);
}
