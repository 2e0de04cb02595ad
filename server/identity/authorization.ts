// Reads the Authorization header (RFC 9110 §11.4), which is attacker-controlled.
//
//   Basic SP base64(user ":" token)      ; RFC 7617; any user name
//   Bearer SP token                      ; RFC 6750
//   token SP token                       ; as forges' API clients write it
import { refuseIdentity } from '../../core/identity-refusal.ts';

const longestHeader = 8_192;

/** The token in the header. Throws `identity/missing` or `identity/invalid`. */
export function readToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization.trim() === '') throw refuseIdentity('missing');
  if (authorization.length > longestHeader) throw refuseIdentity('oversized');
  const [, scheme, credentials] = /^([A-Za-z]+) +([\x21-\x7e]+) *$/.exec(authorization) ?? [];
  if (scheme === undefined || credentials === undefined) throw refuseIdentity('malformed');
  switch (scheme.toLowerCase()) {
    case 'basic':
      return readBasicPassword(credentials);
    case 'bearer':
    case 'token':
      return credentials;
    default:
      throw refuseIdentity('malformed');
  }
}

function readBasicPassword(credentials: string): string {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(credentials)) throw refuseIdentity('malformed');
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0) throw refuseIdentity('malformed');
  const password = decoded.slice(colon + 1);
  if (password === '') throw refuseIdentity('missing');
  return password;
}
