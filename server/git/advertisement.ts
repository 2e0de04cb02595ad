// Ref advertisement of receive-pack (gitprotocol-pack "Reference Discovery", gitprotocol-http "Smart Server Response"):
// read from the upstream, written for the client with the guard's own capabilities.
//
//   smart-reply     = PKT-LINE("# service=" servicename) flush-pkt ref-list flush-pkt
//   ref-list        = PKT-LINE(obj-id SP name NUL cap-list) *PKT-LINE(obj-id SP name)
//   empty list      = PKT-LINE(zero-id SP "capabilities^{}" NUL cap-list)
import { GuardError } from '../../core/errors.ts';
import { type ObjectFormat, type Oid, parseOid, zeroOid } from '../../core/oid.ts';
import type { ByteReader } from './byte-reader.ts';
import { flushPacket, packet, packetText, readPacket } from './pkt-line.ts';
import { upstreamFailure } from './upstream.ts';

export interface Advertisement {
  readonly capabilities: ReadonlySet<string>;
  readonly objectFormat: ObjectFormat;
  readonly refs: readonly AdvertisedRef[];
}

export interface AdvertisedRef {
  readonly name: string;
  readonly oid: Oid;
}

/** Reads an upstream's advertisement. Rejects with `upstream/invalid`, `upstream/refused` (ERR) or `git/limit`. */
export async function readAdvertisement(
  reader: ByteReader,
  service: string,
  maxRefs: number,
): Promise<Advertisement> {
  await expectService(reader, service);
  let capabilities: ReadonlySet<string> | undefined;
  let objectFormat: ObjectFormat = 'sha1';
  const refs: AdvertisedRef[] = [];
  for (let line = await refLine(reader); line !== undefined; line = await refLine(reader)) {
    if (line.startsWith('version ')) continue;
    const nul = line.indexOf('\0');
    const text = nul < 0 ? line : line.slice(0, nul);
    if (capabilities === undefined) {
      capabilities = new Set(
        nul < 0
          ? []
          : line
              .slice(nul + 1)
              .split(' ')
              .filter((word) => word !== ''),
      );
      if (capabilities.has('object-format=sha256')) objectFormat = 'sha256';
    }
    const ref = refOf(text, objectFormat);
    if (ref !== undefined) refs.push(ref);
    if (refs.length > maxRefs)
      throw new GuardError(
        'git/limit',
        `the upstream advertises more than ${maxRefs} refs (limits.advertisedRefs)`,
      );
  }
  return { capabilities: capabilities ?? new Set(), objectFormat, refs };
}

async function expectService(reader: ByteReader, service: string): Promise<void> {
  const first = await upstreamPacket(reader);
  if (first?.kind !== 'data' || packetText(first.data) !== `# service=${service}`) {
    if (first?.kind === 'data') refuseError(packetText(first.data));
    throw new GuardError('upstream/invalid', 'the upstream did not answer with a smart HTTP advertisement');
  }
  const second = await upstreamPacket(reader);
  if (second?.kind !== 'flush')
    throw new GuardError('upstream/invalid', 'expected a flush after the service line');
}

async function refLine(reader: ByteReader): Promise<string | undefined> {
  const next = await upstreamPacket(reader);
  if (next?.kind === 'flush') return undefined;
  if (next?.kind !== 'data')
    throw new GuardError('upstream/invalid', "the upstream's ref advertisement breaks off");
  const text = packetText(next.data);
  refuseError(text);
  return text;
}

async function upstreamPacket(reader: ByteReader): ReturnType<typeof readPacket> {
  try {
    return await readPacket(reader);
  } catch (thrown) {
    if (!(thrown instanceof GuardError)) throw upstreamFailure(thrown, undefined);
    throw new GuardError('upstream/invalid', 'the upstream did not answer in the Git protocol', {
      cause: thrown,
    });
  }
}

function refuseError(text: string): void {
  if (text.startsWith('ERR ')) {
    throw new GuardError('upstream/refused', `the upstream refused: ${text.slice(4, 500)}`);
  }
}

// `.have` lines, shallow lines and the empty list's placeholder name no ref of the repository.
function refOf(text: string, format: ObjectFormat): AdvertisedRef | undefined {
  const space = text.indexOf(' ');
  const name = text.slice(space + 1);
  if (text.startsWith('shallow ') || name === '.have' || name === 'capabilities^{}') return undefined;
  const oid = parseOid(text.slice(0, space), format);
  if (oid === undefined || space < 0)
    throw new GuardError('upstream/invalid', 'the upstream advertises a ref without an object id');
  return { name, oid };
}

/** What the guard offers on a push, given what the upstream can do behind it. */
export function offeredCapabilities(
  upstream: ReadonlySet<string>,
  format: ObjectFormat,
  agent: string,
): readonly string[] {
  return [
    'report-status',
    'report-status-v2',
    ...['delete-refs', 'atomic', 'ofs-delta'].filter((capability) => upstream.has(capability)),
    'side-band-64k',
    'quiet',
    'push-options',
    'no-thin',
    `object-format=${format}`,
    `agent=${agent}`,
  ];
}

/** The advertisement for the client of a push, in pieces of bounded size. */
export function* writeAdvertisement(advertisement: Advertisement, agent: string): Generator<Buffer> {
  const capabilities = offeredCapabilities(
    advertisement.capabilities,
    advertisement.objectFormat,
    agent,
  ).join(' ');
  yield Buffer.concat([packet('# service=git-receive-pack\n'), flushPacket]);
  const [first = { oid: zeroOid(advertisement.objectFormat), name: 'capabilities^{}' }, ...others] =
    advertisement.refs;
  let batch: Buffer[] = [packet(`${first.oid} ${first.name}\0${capabilities}\n`)];
  for (const ref of others) {
    batch.push(packet(`${ref.oid} ${ref.name}\n`));
    if (batch.length >= 512) {
      yield Buffer.concat(batch);
      batch = [];
    }
  }
  yield Buffer.concat([...batch, flushPacket]);
}
