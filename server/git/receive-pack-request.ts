// Reads what a client sends to git-receive-pack (gitprotocol-pack, "Reference Update Request and Packfile Transfer").
//
//   update-requests = *shallow ( command-list | push-cert )
//   shallow         = PKT-LINE("shallow" SP obj-id)
//   command-list    = PKT-LINE(command NUL capability-list) *PKT-LINE(command) flush-pkt
//   command         = old-id SP new-id SP name
//   push-options    = *PKT-LINE(push-option) flush-pkt       ; where the client asked for push-options
//   packfile        = "PACK" 28*(OCTET)                      ; absent where every command is a delete
//
// Everything here is attacker-controlled.
import { GuardError } from '../../core/errors.ts';
import { type ObjectFormat, type Oid, isZero, parseOid } from '../../core/oid.ts';
import type { ByteReader } from './byte-reader.ts';
import { packetText, readPacket } from './pkt-line.ts';
import { isRefName } from './ref-name.ts';

export interface RefCommand {
  readonly ref: string;
  readonly oldOid: Oid;
  readonly newOid: Oid;
}

export interface ReceivePackRequest {
  readonly commands: readonly RefCommand[];
  readonly capabilities: ReadonlySet<string>;
  readonly objectFormat: ObjectFormat;
  /** Commits whose parents the client does not have. */
  readonly shallow: readonly Oid[];
  readonly pushOptions: readonly string[];
  /** True where a pack follows in the reader. */
  readonly hasPack: boolean;
}

/** Told of the capabilities as soon as they are read, so that even a broken request can be answered in kind. */
export type CapabilityObserver = (capabilities: ReadonlySet<string>) => void;

export interface RequestLimits {
  readonly refUpdates: number;
  readonly pushOptions: number;
  readonly refNameBytes: number;
}

/**
 * Reads commands and push options and leaves the reader at the pack. Undefined for the probe that git sends before a
 * chunked request (a lone flush). Rejects with `git/malformed` or `git/limit`.
 */
export async function readReceivePackRequest(
  reader: ByteReader,
  limits: RequestLimits,
  onCapabilities: CapabilityObserver = () => undefined,
): Promise<ReceivePackRequest | undefined> {
  const lines = await readCommandLines(reader, limits, onCapabilities);
  if (lines.commands.length === 0) {
    if (lines.shallow.length > 0)
      throw new GuardError('git/malformed', 'expected a ref update after the shallow lines');
    return undefined;
  }
  const objectFormat = formatOf(lines.capabilities);
  const commands = lines.commands.map((line) => parseCommand(line, objectFormat, limits));
  refuseTwice(commands);
  return {
    commands,
    objectFormat,
    capabilities: lines.capabilities,
    shallow: lines.shallow.map((text) => oidOf(text, objectFormat, 'shallow')),
    pushOptions: lines.capabilities.has('push-options') ? await readPushOptions(reader, limits) : [],
    hasPack: commands.some((command) => !isZero(command.newOid)),
  };
}

interface CommandLines {
  readonly commands: string[];
  readonly shallow: string[];
  readonly capabilities: ReadonlySet<string>;
}

async function readCommandLines(
  reader: ByteReader,
  limits: RequestLimits,
  onCapabilities: CapabilityObserver,
): Promise<CommandLines> {
  const commands: string[] = [];
  const shallow: string[] = [];
  let capabilities: ReadonlySet<string> = new Set();
  for (;;) {
    const next = await readPacket(reader);
    if (next === undefined)
      throw new GuardError('git/malformed', 'the request ends before the flush after its ref updates');
    if (next.kind === 'flush') return { commands, shallow, capabilities };
    if (next.kind !== 'data')
      throw new GuardError('git/malformed', `unexpected ${next.kind} packet among the ref updates`);
    const [line = '', capabilityList] = splitAtNul(packetText(next.data));
    if (line.startsWith('shallow ')) {
      shallow.push(line.slice('shallow '.length));
    } else if (line === 'push-cert') {
      throw new GuardError(
        'git/unsupported',
        'signed pushes are not offered here; push with --signed=if-asked or --no-signed',
      );
    } else {
      if (commands.length === 0) {
        capabilities = new Set((capabilityList ?? '').split(' ').filter((word) => word !== ''));
        onCapabilities(capabilities);
      }
      commands.push(line);
    }
    if (commands.length > limits.refUpdates || shallow.length > 100_000) {
      throw new GuardError(
        'git/limit',
        `the push updates more than ${limits.refUpdates} refs (limits.refUpdates)`,
      );
    }
  }
}

function splitAtNul(text: string): readonly string[] {
  const nul = text.indexOf('\0');
  return nul < 0 ? [text] : [text.slice(0, nul), text.slice(nul + 1)];
}

function formatOf(capabilities: ReadonlySet<string>): ObjectFormat {
  for (const capability of capabilities) {
    if (capability === 'object-format=sha256') return 'sha256';
    if (capability.startsWith('object-format=') && capability !== 'object-format=sha1') {
      throw new GuardError('git/malformed', 'unknown object format, expected sha1 or sha256');
    }
  }
  return 'sha1';
}

function parseCommand(line: string, format: ObjectFormat, limits: RequestLimits): RefCommand {
  const [oldText = '', newText = '', ...name] = line.split(' ');
  const ref = name.join(' ');
  const oldOid = oidOf(oldText, format, 'old object id');
  const newOid = oidOf(newText, format, 'new object id');
  if (Buffer.byteLength(ref) > limits.refNameBytes) {
    throw new GuardError(
      'git/limit',
      `a ref name is longer than ${limits.refNameBytes} bytes (limits.refNameBytes)`,
    );
  }
  if (!isRefName(ref))
    throw new GuardError('git/malformed', 'a ref name is not valid (see git-check-ref-format)');
  return { ref, oldOid, newOid };
}

function oidOf(text: string, format: ObjectFormat, what: string): Oid {
  const oid = parseOid(text, format);
  if (oid === undefined)
    throw new GuardError('git/malformed', `expected an object id in ${format} as ${what}`);
  return oid;
}

function refuseTwice(commands: readonly RefCommand[]): void {
  if (new Set(commands.map((command) => command.ref)).size !== commands.length) {
    throw new GuardError('git/malformed', 'the same ref is updated twice in one push');
  }
}

async function readPushOptions(reader: ByteReader, limits: RequestLimits): Promise<readonly string[]> {
  const options: string[] = [];
  for (let next = await readPacket(reader); next?.kind !== 'flush'; next = await readPacket(reader)) {
    if (next?.kind !== 'data') throw new GuardError('git/malformed', 'expected push options and a flush');
    options.push(packetText(next.data));
    if (options.length > limits.pushOptions) {
      throw new GuardError('git/limit', `more than ${limits.pushOptions} push options (limits.pushOptions)`);
    }
  }
  return options;
}
