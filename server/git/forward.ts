// Forwards an accepted push: the same commands with the client's old values as lease, and the quarantined pack.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { GuardError } from '../../core/errors.ts';
import { credentialFailures } from '../upstream-credential.ts';
import { ByteReader } from './byte-reader.ts';
import type { HeldPack } from './held-pack.ts';
import { flushPacket, packet } from './pkt-line.ts';
import type { ReceivePackRequest } from './receive-pack-request.ts';
import { type RefStatus, type Report, readReport } from './report-status.ts';
import type { Repository } from './repository.ts';
import { readSideBand } from './side-band.ts';
import { letEnd } from './upstream-body.ts';
import { type Upstream, type UpstreamResponse, refusalOfStatus, upstreamFailure } from './upstream.ts';
import type { UpstreamCapabilities } from './upstream-facts.ts';

export interface ForwardInput {
  readonly upstream: Upstream;
  readonly repository: Repository;
  readonly authorization: string | undefined;
  readonly request: ReceivePackRequest;
  readonly pushOptions: readonly string[];
  readonly capabilities: UpstreamCapabilities;
  /** Undefined where every command deletes. */
  readonly pack: HeldPack | undefined;
  readonly agent: string;
  /** True where the push changes workflow files. */
  readonly workflows: boolean;
  readonly idleMs: number;
  /** Ends the wait for the upstream's answer; what was sent stays sent, and the outcome is unknown then. */
  readonly signal: AbortSignal | undefined;
  /** Given what the upstream says on its progress band, as it comes. */
  readonly progress: (text: Uint8Array) => void;
}

/**
 * `answered`: the upstream reported on every ref. `refused`: it took nothing, for certain. `unknown`: it may have
 * taken the push, and only its refs can tell.
 */
export type Forwarded =
  | {
      readonly kind: 'answered';
      readonly report: Report;
      /** Fulfils when the upstream has said all it says: hooks may run behind the report. Never rejects. */
      readonly ended: Promise<void>;
    }
  | { readonly kind: 'refused'; readonly error: GuardError }
  | { readonly kind: 'unknown'; readonly error: GuardError };

/** Throws `git/unsupported` where the upstream cannot do what the client asked for. Pure. */
export function checkForwardable(
  request: ReceivePackRequest,
  pushOptions: readonly string[],
  upstream: UpstreamCapabilities,
): void {
  if (upstream.objectFormat !== request.objectFormat) {
    throw new GuardError(
      'git/unsupported',
      `the upstream repository uses ${upstream.objectFormat}, the push ${request.objectFormat}`,
    );
  }
  if (request.capabilities.has('atomic') && !upstream.capabilities.has('atomic')) {
    throw new GuardError('git/unsupported', 'the upstream does not support atomic pushes');
  }
  if (pushOptions.length > 0 && !upstream.capabilities.has('push-options')) {
    throw new GuardError('git/unsupported', 'the upstream does not support push options');
  }
}

/** Sends the push. Never rejects: whatever happens is one of the three outcomes. */
export async function forwardPush(input: ForwardInput): Promise<Forwarded> {
  const capabilities = usedCapabilities(input);
  const head = writeCommands(input, capabilities);
  let response: UpstreamResponse;
  try {
    response = await send(input, head);
  } catch (thrown) {
    const error = upstreamFailure(thrown, undefined);
    return { kind: neverSent(error) ? 'refused' : 'unknown', error };
  }
  if (response.status !== 200) {
    response.body.destroy();
    const error = refusalOfStatus(response, input.repository, 'the push');
    return { kind: response.status < 500 ? 'refused' : 'unknown', error };
  }
  try {
    const reader = new ByteReader(response.body);
    const { report, rest } = await readAnswer(reader, capabilities, input.progress);
    const ended = rest.then(() => letEnd(reader, response.body));
    return { kind: 'answered', report: completed(report, input.request), ended };
  } catch (thrown) {
    response.body.destroy();
    const invalid = new GuardError(
      'upstream/invalid',
      "the upstream's answer to the push broke off or is not Git protocol",
      { cause: thrown },
    );
    return {
      kind: 'unknown',
      error: thrown instanceof GuardError && thrown.code.startsWith('upstream/') ? thrown : invalid,
    };
  }
}

function usedCapabilities(input: ForwardInput): readonly string[] {
  const offered = input.capabilities.capabilities;
  const asked = input.request.capabilities;
  const wanted = [
    offered.has('report-status-v2') ? 'report-status-v2' : 'report-status',
    'side-band-64k',
    ...(asked.has('atomic') ? ['atomic'] : []),
    ...(asked.has('quiet') ? ['quiet'] : []),
    ...(input.pushOptions.length > 0 ? ['push-options'] : []),
    `object-format=${input.request.objectFormat}`,
  ];
  const namesAgents = offered.values().some((capability) => capability.startsWith('agent='));
  return [
    ...wanted.filter((capability) => offered.has(capability)),
    ...(namesAgents ? [`agent=${input.agent}`] : []),
  ];
}

function writeCommands(input: ForwardInput, capabilities: readonly string[]): Buffer {
  const { request } = input;
  const commands = request.commands.map((command, index) => {
    const line = `${command.oldOid} ${command.newOid} ${command.ref}`;
    return packet(index === 0 ? `${line}\0 ${capabilities.join(' ')}` : line);
  });
  const options =
    input.pushOptions.length === 0 ? [] : [...input.pushOptions.map((option) => packet(option)), flushPacket];
  const shallow = request.shallow.map((oid) => packet(`shallow ${oid}`));
  return Buffer.concat([...shallow, ...commands, flushPacket, ...options]);
}

async function send(input: ForwardInput, head: Buffer): Promise<UpstreamResponse> {
  const { pack } = input;
  const size = pack?.kind === 'file' ? (await stat(pack.path)).size : pack === undefined ? 0 : undefined;
  const headers: Record<string, string> = {
    'content-type': 'application/x-git-receive-pack-request',
    accept: 'application/x-git-receive-pack-result',
  };
  if (size !== undefined) headers['content-length'] = String(head.length + size);
  return input.upstream.send({
    repository: input.repository,
    method: 'POST',
    service: 'git-receive-pack',
    target: 'git-receive-pack',
    headers,
    body: () => (pack === undefined ? head : Readable.from(bodyOf(head, pack), { objectMode: false })),
    authorization: input.authorization,
    workflows: input.workflows,
    idleMs: input.idleMs,
    signal: input.signal,
  });
}

async function* bodyOf(head: Buffer, pack: HeldPack): AsyncGenerator<Uint8Array> {
  yield head;
  yield* pack.kind === 'file' ? createReadStream(pack.path, { highWaterMark: 256 * 1024 }) : pack.open();
}

function neverSent(error: GuardError): boolean {
  const cause = error.cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return (
    error.code === 'upstream/refused' ||
    credentialFailures.has(error.code) ||
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(code)
  );
}

async function readAnswer(
  whole: ByteReader,
  capabilities: readonly string[],
  progress: (text: Uint8Array) => void,
): Promise<{ readonly report: Report; readonly rest: Promise<void> }> {
  const data = capabilities.includes('side-band-64k') ? new ByteReader(dataBand(whole, progress)) : whole;
  if (capabilities.some((capability) => capability.startsWith('report-status'))) {
    const report = await readReport(data);
    // Hooks still run and speak behind the report; what happens to them changes nothing of it.
    return { report, rest: readToEnd(data).catch(() => undefined) };
  }
  // It is done when it has said all it says.
  await readToEnd(data);
  throw new GuardError('upstream/invalid', 'the upstream does not report on pushes');
}

async function readToEnd(reader: ByteReader): Promise<void> {
  for await (const chunk of reader.remaining()) void chunk;
}

/** One status for each ref of the push; a report that leaves refs out tells nothing unless unpacking failed. */
function completed(report: Report, request: ReceivePackRequest): Report {
  const reported = new Map(report.refs.map((status) => [status.ref, status]));
  const refs = request.commands.map(({ ref }): RefStatus => {
    const status = reported.get(ref);
    if (status !== undefined) return status;
    if (report.unpack === 'ok')
      throw new GuardError('upstream/invalid', "the upstream's report does not name every ref");
    return { ref, kind: 'ng', message: 'the upstream could not unpack the push' };
  });
  return { unpack: report.unpack, refs };
}

const maxReportBytes = 64 * 1024 * 1024;

async function* dataBand(
  reader: ByteReader,
  progress: (text: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const { band, data } of readSideBand(reader)) {
    if (band === 3) {
      throw new GuardError(
        'upstream/refused',
        `the upstream broke off: ${Buffer.from(data).toString('utf8').trim().slice(0, 300)}`,
      );
    }
    size += data.length;
    if (size > maxReportBytes)
      throw new GuardError('upstream/invalid', 'the upstream reports without an end');
    if (band === 2) progress(data);
    else yield data;
  }
}
