// Time stamps (RFC 3161) over checkpoints: the request, and what a response shows. A response comes from anyone; it counts
// only where its signature leads to an authority that is trusted, and it answers what was asked.
import { hash } from 'node:crypto';
import { parseCheckpoint } from '../../../core/checkpoint.ts';

const oids = {
  sha256: '2.16.840.1.101.3.4.2.1',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  extendedKeyUsage: '2.5.29.37',
} as const;

export interface TimestampExpectation {
  /** The note of the stamped checkpoint: its text, without signatures, is what is stamped. */
  readonly note: string;
  /** The nonce of the request; undefined where the response is read later. */
  readonly nonce?: Buffer;
  /** The policy that was asked for. */
  readonly policy?: string | undefined;
  /** PEM text of the authorities that are trusted. */
  readonly authorities: string;
}

export type TimestampReading =
  | { readonly kind: 'good'; readonly at: Date }
  /** `why` is the end of a sentence about the response. */
  | { readonly kind: 'bad'; readonly why: string };

/** What of a checkpoint is stamped; undefined where the note is none. */
export function stampedText(note: string): string | undefined {
  return parseCheckpoint(note)?.text;
}

function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

/** The request for a stamp over a checkpoint's text, DER. */
export async function timestampRequest(
  text: string,
  nonce: Buffer,
  policy: string | undefined,
): Promise<Buffer> {
  const [{ Integer, OctetString }, { AlgorithmIdentifier, MessageImprint, TimeStampReq }] = await Promise.all(
    [import('asn1js'), import('pkijs')],
  );
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: oids.sha256 }),
      hashedMessage: new OctetString({ valueHex: arrayBuffer(hash('sha256', text, 'buffer')) }),
    }),
    ...(policy === undefined ? {} : { reqPolicy: policy }),
    nonce: new Integer({ valueHex: arrayBuffer(nonce) }),
    certReq: true,
  });
  return Buffer.from(request.toSchema().toBER(false));
}

function bad(why: string): TimestampReading {
  return { kind: 'bad', why };
}

function sameInteger(found: ArrayBuffer | undefined, expected: Buffer): boolean {
  if (found === undefined) return false;
  const plain = (bytes: Buffer): string => bytes.toString('hex').replace(/^(00)+/, '');
  return plain(Buffer.from(found)) === plain(expected);
}

function certificatesIn(pem: string): readonly ArrayBuffer[] {
  const found = pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g);
  return [...found].map(([, body = '']) => arrayBuffer(Buffer.from(body, 'base64')));
}

async function read(response: Uint8Array, expected: TimestampExpectation): Promise<TimestampReading> {
  const pki = await import('pkijs');
  const text = stampedText(expected.note);
  const answer = pki.TimeStampResp.fromBER(arrayBuffer(response));
  // Without a token the status says why; one with a token counts by its signature.
  if (answer.timeStampToken === undefined || text === undefined)
    return bad(`it is a refusal (status ${answer.status.status})`);
  const signed = new pki.SignedData({ schema: answer.timeStampToken.content });
  const content = signed.encapContentInfo.eContent?.getValue();
  if (signed.encapContentInfo.eContentType !== oids.tstInfo || content === undefined)
    return bad('it holds no time stamp');
  const info = pki.TSTInfo.fromBER(content);
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  const digest = Buffer.from(hashedMessage.getValue());
  if (hashAlgorithm.algorithmId !== oids.sha256 || !digest.equals(hash('sha256', text, 'buffer')))
    return bad('it is about something else');
  if (
    expected.nonce !== undefined &&
    !sameInteger(info.nonce?.valueBlock.valueHexView.slice().buffer, expected.nonce)
  )
    return bad('it answers another request');
  if (expected.policy !== undefined && info.policy !== expected.policy)
    return bad(`it was made under the policy ${info.policy}`);
  const judged = signed.verify({
    signer: 0,
    data: arrayBuffer(Buffer.from(text)),
    trustedCerts: certificatesIn(expected.authorities).map((der) => pki.Certificate.fromBER(der)),
    // The certificate must have been good when it was used.
    checkDate: info.genTime,
    checkChain: true,
    extendedMode: true,
  });
  // It rejects where no path leads to an authority.
  const result = await judged.catch(() => undefined);
  if (result?.signatureVerified !== true || result.signerCertificateVerified !== true)
    return bad('it is not signed by an authority that is trusted');
  const usage = result.signerCertificate?.extensions?.find(({ extnID }) => extnID === oids.extendedKeyUsage);
  const purposes: unknown = usage?.parsedValue;
  const isForStamps =
    usage?.critical === true &&
    purposes instanceof pki.ExtKeyUsage &&
    purposes.keyPurposes.length === 1 &&
    purposes.keyPurposes[0] === oids.timeStamping;
  return isForStamps ? { kind: 'good', at: info.genTime } : bad('its certificate is not one for time stamps');
}

/** Reads a response and verifies it; never rejects. */
export async function readTimestamp(
  response: Uint8Array,
  expected: TimestampExpectation,
): Promise<TimestampReading> {
  try {
    return await read(response, expected);
  } catch {
    // The library's own words would quote what came from outside.
    return bad('it cannot be read');
  }
}
