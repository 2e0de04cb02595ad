// A certificate authority of a test and a server certificate for the loopback, written by hand in DER (X.690, RFC 5280),
// because Node.js reads certificates but makes none.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface TestCertificates {
  /** The authority, PEM. */
  readonly ca: string;
  /** Of the server 127.0.0.1 and localhost, PEM. */
  readonly cert: string;
  readonly key: string;
  /** Of a client of the same authority, PEM. */
  readonly client: { readonly cert: string; readonly key: string };
}

/** What stands in the certificate of a client. */
export interface ClientFields {
  readonly name: string;
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  /** Days from now until it begins, and until it ends; default -1 and 1. */
  readonly days?: readonly [number, number];
}

export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  /** Hex, for `crl`. */
  readonly serial: string;
}

export interface TestAuthority extends Omit<TestCertificates, 'client'> {
  issue(fields: ClientFields): ClientCertificate;
  /** A revocation list with these serial numbers, PEM. */
  crl(serials: readonly string[]): string;
}

/** Makes an authority and a server certificate of it, good for a day. */
export function makeCertificates(): TestCertificates {
  const { ca, cert, key, issue } = makeAuthority();
  return { ca, cert, key, client: issue({ name: 'guard' }) };
}

/** The same, and certificates of clients. */
export function makeAuthority(): TestAuthority {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = commonName('Test authority');
  const signed = (fields: Omit<CertificateFields, 'issuer' | 'signer'>): string =>
    certificate({ issuer, signer: authority.privateKey, ...fields });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notAuthority = extension('551d13', true, sequence());
  return {
    ca: signed({
      subject: issuer,
      publicKey: authority.publicKey,
      extensions: [
        extension('551d13', true, sequence(element(tags.boolean, [0xff]))),
        // keyCertSign and cRLSign.
        extension('551d0f', true, element(tags.bitString, [1, 0x06])),
      ],
    }),
    cert: signed({
      subject: commonName('localhost'),
      publicKey: server.publicKey,
      extensions: [
        notAuthority,
        // subjectAltName: [2] a DNS name, [7] an address.
        extension(
          '551d11',
          false,
          sequence(element(0x82, Buffer.from('localhost')), element(0x87, [127, 0, 0, 1])),
        ),
        // extendedKeyUsage: serverAuth.
        extension('551d25', false, sequence(objectId('2b06010505070301'))),
      ],
    }),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    issue: ({ name, uris = [], dns = [], days }) => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const serial = newSerial();
      // subjectAltName: [6] a URI, [2] a DNS name.
      const names = [
        ...uris.map((uri) => element(0x86, Buffer.from(uri))),
        ...dns.map((host) => element(0x82, Buffer.from(host))),
      ];
      return {
        cert: signed({
          subject: commonName(name),
          publicKey: pair.publicKey,
          extensions: [
            notAuthority,
            ...(names.length === 0 ? [] : [extension('551d11', false, sequence(...names))]),
            // extendedKeyUsage: clientAuth.
            extension('551d25', false, sequence(objectId('2b06010505070302'))),
          ],
          serial,
          ...(days === undefined ? {} : { days }),
        }),
        key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        serial: serial.toString('hex'),
      };
    },
    crl: (serials) => revocationList(issuer, authority.privateKey, serials),
  };
}

/** A certificate for a key, of an authority that nobody knows, good for a day, PEM: what counts is the key in it. */
export function makeKeyCertificate(name: string, publicKey: KeyObject): string {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return certificate({
    issuer: commonName('Test authority'),
    subject: commonName(name),
    publicKey,
    extensions: [extension('551d13', true, sequence())],
    signer: authority.privateKey,
  });
}

function newSerial(): Buffer {
  return Buffer.concat([Buffer.from([0x42]), randomBytes(12)]);
}

interface CertificateFields {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly signer: KeyObject;
  readonly serial?: Uint8Array;
  readonly days?: readonly [number, number];
}

/** TBSCertificate and its signature, PEM. */
function certificate({
  issuer,
  subject,
  publicKey,
  extensions,
  signer,
  serial = newSerial(),
  days: [from, to] = [-1, 1],
}: CertificateFields): string {
  const body = sequence(
    element(0xa0, element(tags.integer, [2])),
    element(tags.integer, serial),
    ecdsaWithSha256(),
    issuer,
    sequence(utcTime(inDays(from)), utcTime(inDays(to))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions)),
  );
  return pem('CERTIFICATE', signedBody(body, signer));
}

/** TBSCertList and its signature (RFC 5280 §5.1), PEM. */
function revocationList(issuer: Uint8Array, signer: KeyObject, serials: readonly string[]): string {
  const revoked = serials.map((serial) =>
    sequence(element(tags.integer, Buffer.from(serial, 'hex')), utcTime(inDays(-1))),
  );
  const body = sequence(
    element(tags.integer, [1]),
    ecdsaWithSha256(),
    issuer,
    utcTime(inDays(-1)),
    utcTime(inDays(1)),
    ...(revoked.length === 0 ? [] : [sequence(...revoked)]),
  );
  return pem('X509 CRL', signedBody(body, signer));
}

function ecdsaWithSha256(): Uint8Array {
  return sequence(objectId('2a8648ce3d040302'));
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * 86_400_000);
}

function signedBody(body: Uint8Array, signer: KeyObject): Uint8Array {
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, signer)]);
  return sequence(body, ecdsaWithSha256(), element(tags.bitString, signature));
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag, length and content; lengths up to 65,535. */
function element(tag: number, content: Uint8Array | readonly number[]): Uint8Array {
  const bytes = Buffer.from(content);
  const { length } = bytes;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), bytes]);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return element(tags.sequence, Buffer.concat(parts));
}

/** An object identifier, already in its encoded form, as hex. */
function objectId(hex: string): Uint8Array {
  return element(tags.objectId, Buffer.from(hex, 'hex'));
}

function commonName(text: string): Uint8Array {
  const name = sequence(objectId('550403'), element(tags.utf8String, Buffer.from(text)));
  return sequence(element(tags.set, name));
}

function utcTime(date: Date): Uint8Array {
  const digits = date
    .toISOString()
    .replaceAll(/[-:T]|\.\d+/g, '')
    .slice(2);
  return element(tags.utcTime, Buffer.from(digits));
}

function extension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  return sequence(
    objectId(id),
    ...(isCritical ? [element(tags.boolean, [0xff])] : []),
    element(tags.octetString, value),
  );
}
