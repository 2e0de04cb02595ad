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

/** Makes an authority and a server certificate of it, good for a day. */
export function makeCertificates(): TestCertificates {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const client = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = commonName('Test authority');
  const signed = (subject: Uint8Array, publicKey: KeyObject, extensions: readonly Uint8Array[]): string =>
    certificate({ issuer, subject, publicKey, extensions, signer: authority.privateKey });
  return {
    ca: signed(issuer, authority.publicKey, [
      extension('551d13', true, sequence(element(tags.boolean, [0xff]))),
      // keyCertSign and cRLSign.
      extension('551d0f', true, element(tags.bitString, [1, 0x06])),
    ]),
    cert: signed(commonName('localhost'), server.publicKey, [
      extension('551d13', true, sequence()),
      // subjectAltName: [2] a DNS name, [7] an address.
      extension(
        '551d11',
        false,
        sequence(element(0x82, Buffer.from('localhost')), element(0x87, [127, 0, 0, 1])),
      ),
      // extendedKeyUsage: serverAuth.
      extension('551d25', false, sequence(objectId('2b06010505070301'))),
    ]),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    client: {
      cert: signed(commonName('guard'), client.publicKey, [
        extension('551d13', true, sequence()),
        // extendedKeyUsage: clientAuth.
        extension('551d25', false, sequence(objectId('2b06010505070302'))),
      ]),
      key: client.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
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

interface CertificateFields {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly signer: KeyObject;
}

/** TBSCertificate and its signature, PEM. */
function certificate({ issuer, subject, publicKey, extensions, signer }: CertificateFields): string {
  // ecdsa-with-SHA256
  const algorithm = sequence(objectId('2a8648ce3d040302'));
  const now = Date.now();
  const day = 86_400_000;
  const body = sequence(
    element(0xa0, element(tags.integer, [2])),
    element(tags.integer, Buffer.concat([Buffer.from([0x42]), randomBytes(12)])),
    algorithm,
    issuer,
    sequence(utcTime(new Date(now - day)), utcTime(new Date(now + day))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, signer);
  const whole = sequence(
    body,
    algorithm,
    element(tags.bitString, Buffer.concat([Buffer.from([0]), signature])),
  );
  const lines =
    Buffer.from(whole)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
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
