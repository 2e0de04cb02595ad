// Fetches pass through as streams. What would lead a client around the guard (bundle-uri, packfile-uris) is taken out
// of what the upstream offers and refused in what the client asks.
import { Readable } from 'node:stream';
import { GuardError } from '../../core/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { flushPacket, packet, packetText, type Packet, readPacket } from './pkt-line.ts';
import { replayable } from './replay.ts';
import type { Repository } from './repository.ts';
import { refusalOfStatus, type Upstream, upstreamFailure, type UpstreamResponse } from './upstream.ts';

export interface FetchCall {
  readonly upstream: Upstream;
  readonly repository: Repository;
  readonly authorization: string | undefined;
  /** The client's Git-Protocol header. */
  readonly protocol: string | undefined;
  readonly signal: AbortSignal;
}

export interface FetchAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

export interface FetchedAnswer extends FetchAnswer {
  /** Version of the protocol, and what was asked in it: `fetch`, `ls-refs`, `object-info` or, by a probe, `none`. */
  readonly version: 0 | 1 | 2;
  readonly command: string;
}

/** The upstream's ref advertisement or, in protocol v2, its capabilities. Rejects with an `upstream/…` error. */
export async function advertiseFetch(call: FetchCall): Promise<FetchAnswer> {
  const response = await call.upstream.send({
    repository: call.repository,
    method: 'GET',
    service: 'git-upload-pack',
    target: 'info/refs',
    headers: protocolHeader(call.protocol),
    authorization: call.authorization,
    signal: call.signal,
  });
  await expectGit(response, call.repository, 'application/x-git-upload-pack-advertisement', 'a fetch');
  const packets = filterOffer(new ByteReader(response.body));
  const first = await packets.next().catch((thrown: unknown) => {
    throw brokenOffer(thrown, call.signal);
  });
  return {
    headers: { 'content-type': 'application/x-git-upload-pack-advertisement', 'cache-control': 'no-cache' },
    body: Readable.from(prepend(first, packets), { objectMode: false }),
  };
}

/** One request of a fetch: its plain body and the answer are streamed. */
export async function callFetch(
  call: FetchCall,
  plain: AsyncIterable<Uint8Array>,
  acceptEncoding: string | undefined,
): Promise<FetchedAnswer> {
  const version = versionOf(call.protocol);
  const checked = version === 2 ? checkRequest(new ByteReader(plain)) : plain;
  // Read ahead until the first packet is checked: a refusal must come before the upstream is asked.
  const iterator = checked[Symbol.asyncIterator]();
  const first = await iterator.next();
  const response = await call.upstream.send({
    repository: call.repository,
    method: 'POST',
    service: 'git-upload-pack',
    target: 'git-upload-pack',
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
      ...protocolHeader(call.protocol),
      ...(acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding }),
    },
    body: replayable(first, iterator),
    authorization: call.authorization,
    signal: call.signal,
  });
  await expectGit(response, call.repository, 'application/x-git-upload-pack-result', 'a fetch');
  const encoding = response.headers['content-encoding'];
  return {
    version,
    command: version === 2 && first.done !== true ? commandIn(first.value) : 'fetch',
    headers: {
      'content-type': 'application/x-git-upload-pack-result',
      'cache-control': 'no-cache',
      ...(typeof encoding === 'string' ? { 'content-encoding': encoding } : {}),
    },
    body: response.body,
  };
}

// Where several versions are named, the highest that both know is spoken (gitprotocol-v2).
function versionOf(protocol: string | undefined): 0 | 1 | 2 {
  const named = protocol?.split(':') ?? [];
  if (named.includes('version=2')) return 2;
  return named.includes('version=1') ? 1 : 0;
}

function commandIn(first: Uint8Array): string {
  const text = packetText(first.subarray(4));
  return text.startsWith('command=') ? text.slice('command='.length) : 'none';
}

function brokenOffer(thrown: unknown, signal: AbortSignal): GuardError {
  return thrown instanceof GuardError
    ? new GuardError('upstream/invalid', "the upstream's advertisement is not Git protocol", {
        cause: thrown,
      })
    : upstreamFailure(thrown, signal);
}

function protocolHeader(protocol: string | undefined): Record<string, string> {
  return protocol !== undefined && /^[a-z0-9=:.-]{1,200}$/.test(protocol) ? { 'git-protocol': protocol } : {};
}

async function expectGit(
  response: UpstreamResponse,
  repository: Repository,
  type: string,
  what: string,
): Promise<void> {
  if (response.status === 200 && response.headers['content-type'] === type) return;
  response.body.on('error', () => undefined).destroy();
  if (response.status !== 200) throw refusalOfStatus(response, repository, what);
  throw new GuardError('upstream/invalid', 'the upstream answered a fetch with something that is not Git');
}

async function* prepend(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
}

const specialBytes: Readonly<Record<Exclude<Packet['kind'], 'data'>, Uint8Array>> = {
  flush: flushPacket,
  delimiter: Buffer.from('0001', 'latin1'),
  'response-end': Buffer.from('0002', 'latin1'),
};

/** Re-emits an advertisement without the capabilities that point elsewhere. */
async function* filterOffer(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (let next = await readPacket(reader); next !== undefined; next = await readPacket(reader)) {
    if (next.kind !== 'data') {
      yield specialBytes[next.kind];
      continue;
    }
    const text = packetText(next.data);
    if (/^bundle-uri(=|$)/.test(text)) continue;
    yield text.startsWith('fetch=') ? packet(`${withoutPackfileUris(text)}\n`) : packet(next.data);
  }
}

function withoutPackfileUris(line: string): string {
  const features = line.slice('fetch='.length).split(' ');
  return `fetch=${features.filter((feature) => feature !== 'packfile-uris').join(' ')}`;
}

const commands: ReadonlySet<string> = new Set(['command=ls-refs', 'command=fetch', 'command=object-info']);

/**
 * Re-emits a protocol v2 request packet by packet; throws `git/unsupported` at what leads around the guard. A body holds
 * one command and begins with it, so that what is recorded of it is all there is.
 */
async function* checkRequest(reader: ByteReader): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for (let next = await readPacket(reader); next !== undefined; next = await readPacket(reader)) {
    if (next.kind !== 'data') {
      yield specialBytes[next.kind];
      continue;
    }
    const text = packetText(next.data.subarray(0, 64));
    if (text.startsWith('command=') !== isFirst)
      throw new GuardError('git/malformed', 'a request of the Git protocol begins with its one command');
    isFirst = false;
    if (text.startsWith('packfile-uris ') || (text.startsWith('command=') && !commands.has(text))) {
      throw new GuardError('git/unsupported', 'this command of the Git protocol is not served here');
    }
    yield packet(next.data);
  }
}
