// receive-pack spoken by hand over HTTP (gitprotocol-pack), independently of the product and of git.
//
//   request  = *("shallow" SP oid) 1*(old SP new SP ref [NUL caps]) flush [*option flush] [PACK]
//   report   = "unpack" SP (ok | reason) 1*("ok" SP ref *("option" SP key SP value) | "ng" SP ref SP reason) flush
//   pkt-line = four hex digits of length, themselves included, then the payload; 0000 is a flush
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { drained } from './drained.ts';

export interface RefCommand {
  readonly oldOid: string;
  readonly newOid: string;
  readonly ref: string;
}

export interface ReceivePackRequest {
  readonly commands: readonly RefCommand[];
  /** Default: report-status-v2 side-band-64k object-format=… by the length of the first id. */
  readonly capabilities?: readonly string[];
  /** Sent as a section of their own; add `push-options` to the capabilities to announce them. */
  readonly pushOptions?: readonly string[];
  readonly shallow?: readonly string[];
  readonly pack?: Uint8Array;
}

export const flushPacket: Uint8Array = Buffer.from('0000');

/** One pkt-line. */
export function packet(payload: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

/** The body of a push. */
export function receivePackBody(request: ReceivePackRequest): Uint8Array {
  const format = request.commands[0]?.newOid.length === 64 ? 'sha256' : 'sha1';
  const capabilities = request.capabilities ?? [
    'report-status-v2',
    'side-band-64k',
    `object-format=${format}`,
    ...(request.pushOptions ? ['push-options'] : []),
  ];
  const commands = request.commands.map(({ oldOid, newOid, ref }, at) =>
    packet(`${oldOid} ${newOid} ${ref}${at === 0 ? `\0 ${capabilities.join(' ')}` : ''}`),
  );
  return Buffer.concat([
    ...(request.shallow ?? []).map((oid) => packet(`shallow ${oid}`)),
    ...commands,
    flushPacket,
    ...(request.pushOptions ? [...request.pushOptions.map((option) => packet(option)), flushPacket] : []),
    request.pack ?? Buffer.alloc(0),
  ]);
}

export interface SendOptions {
  /** The whole Authorization header. */
  readonly authorization?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Compresses the body and says so. */
  readonly gzip?: boolean;
  /** Sends pieces of this size without a Content-Length. */
  readonly chunkSize?: number;
  /** Ends the connection after this many bytes of the body. */
  readonly breakAfter?: number;
  /** Sends so many bytes, waits, and sends the rest. */
  readonly pause?: { readonly at: number; readonly until: Promise<unknown> };
  /** Milliseconds; default 60,000. */
  readonly deadline?: number;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

/** POSTs `body` to `<repository url>/<service>` and returns the whole answer; rejects where the connection breaks. */
export function postService(
  repositoryUrl: string,
  service: 'git-receive-pack' | 'git-upload-pack',
  body: Uint8Array,
  options: SendOptions = {},
): Promise<RawResponse> {
  const sent = options.gzip ? gzipSync(body) : Buffer.from(body);
  const headers: Record<string, string | number> = {
    'content-type': `application/x-${service}-request`,
    accept: `application/x-${service}-result`,
    ...(options.gzip ? { 'content-encoding': 'gzip' } : {}),
    ...(options.chunkSize === undefined ? { 'content-length': sent.length } : {}),
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${repositoryUrl}/${service}`, { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        });
      });
    });
    request.setTimeout(options.deadline ?? 60_000, () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    writeBody(request, sent, options).catch(reject);
  });
}

async function writeBody(
  request: ReturnType<typeof httpRequest>,
  body: Buffer,
  options: SendOptions,
): Promise<void> {
  if (options.pause !== undefined) {
    const { at, until } = options.pause;
    request.write(body.subarray(0, at));
    await until;
    request.end(body.subarray(at));
    return;
  }
  const end = options.breakAfter ?? body.length;
  const step = options.chunkSize ?? (end || 1);
  for (let at = 0; at < end; at += step) {
    const piece = body.subarray(at, Math.min(end, at + step));
    if (!request.write(piece)) await drained(request);
    if (request.destroyed) return;
  }
  if (options.breakAfter === undefined) {
    request.end();
    return;
  }
  // What was written has left before the connection breaks.
  await new Promise((resolve) => void request.write('', resolve));
  request.destroy();
}
