// What the guard must know about an upstream repository besides the push itself: its receive-pack capabilities and
// which branch its HEAD names. Kept for a short while in memory; a guard that does not know asks.
import type { Readable } from 'node:stream';
import { GuardError } from '../../core/errors.ts';
import { type AdvertisedRef, type Advertisement, readAdvertisement } from './advertisement.ts';
import { ByteReader } from './byte-reader.ts';
import { flushPacket, packet, packetText, readPacket } from './pkt-line.ts';
import type { Repository } from './repository.ts';
import { letEnd } from './upstream-body.ts';
import { type Upstream, type UpstreamResponse, refusalOfStatus } from './upstream.ts';

export type UpstreamCapabilities = Pick<Advertisement, 'capabilities' | 'objectFormat'>;

export interface UpstreamFacts {
  /** The upstream's refs and capabilities for a push, always asked anew. Rejects with an `upstream/…` error. */
  advertisement(
    repository: Repository,
    authorization: string | undefined,
    signal?: AbortSignal,
  ): Promise<Advertisement>;
  /** The upstream's refs: asked now, or as last seen, which is at most a minute ago. */
  refs(
    repository: Repository,
    authorization: string | undefined,
    age: 'remembered' | 'now',
    signal?: AbortSignal,
  ): Promise<readonly AdvertisedRef[]>;
  /** Capabilities as last seen, at most a minute old; never from memory where the client's own credential is used. */
  capabilities(
    repository: Repository,
    authorization: string | undefined,
    signal?: AbortSignal,
  ): Promise<UpstreamCapabilities>;
  /** The branch that HEAD names, or undefined in an empty repository. */
  defaultBranch(
    repository: Repository,
    authorization: string | undefined,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
}

const capabilitiesMs = 60_000;
const defaultBranchMs = 5 * 60_000;
const maxRemembered = 10_000;
const refsMs = 60_000;
/** Lists of refs may be long. */
const maxRememberedRefs = 16;

/** Builds the memory over the upstreams of the configured forges. */
export function createUpstreamFacts(
  upstreamOf: (repository: Repository) => Upstream,
  maxRefs: number,
  now: () => number,
): UpstreamFacts {
  const capabilities = new Map<string, { readonly value: UpstreamCapabilities; readonly until: number }>();
  const lists = new Map<string, { readonly value: readonly AdvertisedRef[]; readonly until: number }>();
  const branches = new Map<string, { readonly value: string; readonly until: number }>();

  async function advertisement(
    repository: Repository,
    authorization: string | undefined,
    signal?: AbortSignal,
  ): Promise<Advertisement> {
    const response = await upstreamOf(repository).send({
      repository,
      method: 'GET',
      service: 'git-receive-pack',
      target: 'info/refs',
      authorization,
      signal,
    });
    await expectStatus(response, repository, 'the start of a push');
    const reader = new ByteReader(response.body);
    try {
      const value = await readAdvertisement(reader, 'git-receive-pack', maxRefs);
      remember(capabilities, repository.id, {
        value: { capabilities: value.capabilities, objectFormat: value.objectFormat },
        until: now() + capabilitiesMs,
      });
      // With the client's own credential the list is that client's.
      if (repository.forge.credential.mode !== 'passthrough')
        remember(lists, repository.id, { value: value.refs, until: now() + refsMs }, maxRememberedRefs);
      letEnd(reader, response.body);
      return value;
    } catch (thrown) {
      response.body.destroy();
      throw thrown;
    }
  }

  return {
    advertisement,
    async refs(repository, authorization, age, signal) {
      const known = lists.get(repository.id);
      if (age === 'remembered' && known !== undefined && known.until > now()) return known.value;
      return (await advertisement(repository, authorization, signal)).refs;
    },
    async capabilities(repository, authorization, signal) {
      const known = capabilities.get(repository.id);
      const mayRemember = repository.forge.credential.mode !== 'passthrough';
      if (mayRemember && known !== undefined && known.until > now()) return known.value;
      return advertisement(repository, authorization, signal);
    },
    async defaultBranch(repository, authorization, signal) {
      const known = branches.get(repository.id);
      if (known !== undefined && known.until > now()) return known.value;
      const value = await askForHead(upstreamOf(repository), repository, authorization, signal);
      // An empty repository gets its default branch with its first push: that is not worth remembering.
      if (value !== undefined) remember(branches, repository.id, { value, until: now() + defaultBranchMs });
      return value;
    },
  };
}

function remember<T>(memory: Map<string, T>, key: string, value: T, most = maxRemembered): void {
  if (memory.size >= most && !memory.has(key)) memory.clear();
  memory.set(key, value);
}

// Protocol v2 (gitprotocol-v2, "ls-refs"): one line for HEAD instead of every ref. An upstream that speaks only v0
// answers the first request with its refs, and names HEAD's branch among its capabilities.
async function askForHead(
  upstream: Upstream,
  repository: Repository,
  authorization: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const version2 = { 'git-protocol': 'version=2' };
  const common = { repository, service: 'git-upload-pack', authorization, signal } as const;
  const first = await upstream.send({ ...common, method: 'GET', target: 'info/refs', headers: version2 });
  await expectStatus(first, repository, 'a look at its branches');
  const greeting = await readLines(first.body, 4);
  if (!greeting.includes('version 2')) return headOfVersion0(greeting);
  const objectFormat = greeting.find((line) => line.startsWith('object-format='));
  const body = Buffer.concat([
    packet('command=ls-refs\n'),
    ...(objectFormat === undefined ? [] : [packet(`${objectFormat}\n`)]),
    Buffer.from('0001', 'latin1'),
    packet('symrefs\n'),
    packet('ref-prefix HEAD\n'),
    flushPacket,
  ]);
  const headers = { ...version2, 'content-type': 'application/x-git-upload-pack-request' };
  const second = await upstream.send({
    ...common,
    method: 'POST',
    target: 'git-upload-pack',
    headers,
    body: () => body,
  });
  await expectStatus(second, repository, 'a look at its branches');
  const lines = await readLines(second.body, 64);
  return lines
    .map((line) => /^[0-9a-f]+ HEAD symref-target:(\S+)/.exec(line)?.[1])
    .find((found) => found !== undefined);
}

function headOfVersion0(lines: readonly string[]): string | undefined {
  return lines.map((line) => /[\0 ]symref=HEAD:(\S+)/.exec(line)?.[1]).find((found) => found !== undefined);
}

/** Text of the data packets, flushes left out, until the end or `cap` packets past the greeting. */
async function readLines(body: Readable, cap: number): Promise<readonly string[]> {
  const reader = new ByteReader(body);
  const lines: string[] = [];
  try {
    for (
      let next = await readPacket(reader);
      next !== undefined && lines.length < cap + 60;
      next = await readPacket(reader)
    ) {
      if (next.kind === 'data') lines.push(packetText(next.data));
    }
    letEnd(reader, body);
  } catch (cause) {
    body.destroy();
    throw new GuardError('upstream/invalid', 'the upstream did not answer in the Git protocol', { cause });
  }
  return lines;
}

async function expectStatus(response: UpstreamResponse, repository: Repository, what: string): Promise<void> {
  if (response.status === 200) return;
  response.body.resume();
  await Promise.resolve(response.body.destroy());
  throw refusalOfStatus(response, repository, what);
}
