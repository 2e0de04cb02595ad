// Reads what a server answers to a push or advertises, by hand, independently of the product and of git. Strict: what
// is not in the grammar throws, so that a test fails where a client could be confused.

export interface RefReport {
  readonly ref: string;
  readonly ok: boolean;
  /** Null where `ok`. */
  readonly reason: string | null;
  /** `option` lines of report-status-v2; a key without a value is ''. */
  readonly options: Readonly<Record<string, string>>;
}

export interface PushReport {
  /** `ok`, or why unpacking failed; null where the server reported nothing. */
  readonly unpack: string | null;
  readonly refs: readonly RefReport[];
  /** Band 2, as a terminal shows it. */
  readonly progress: string;
  /** Band 3, or an ERR packet: fatal. */
  readonly error: string | null;
  /** Empty band packets, which keep a connection alive. */
  readonly keepAlives: number;
}

/** Splits pkt-lines; null stands for a flush. Anything behind the last whole packet throws. */
export function parsePackets(body: Uint8Array): readonly (Buffer | null)[] {
  const bytes = Buffer.from(body);
  const packets: (Buffer | null)[] = [];
  for (let at = 0; at < bytes.length;) {
    const digits = bytes.toString('latin1', at, at + 4);
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw new Error(`not a packet length: ${JSON.stringify(digits)}`);
    const length = Number.parseInt(digits, 16);
    if (length === 0) {
      packets.push(null);
      at += 4;
      continue;
    }
    if (length < 4 || length > 65_520) throw new Error(`packet length ${length}`);
    if (at + length > bytes.length) throw new Error('cut off within a packet');
    packets.push(bytes.subarray(at + 4, at + length));
    at += length;
  }
  return packets;
}

/** Reads the answer to a push that asked for `side-band-64k`, or, with `sideBand` false, for none. */
export function parsePushReport(body: Uint8Array, sideBand = true): PushReport {
  const packets = parsePackets(body);
  const first = packets[0];
  if (first?.toString('latin1', 0, 4) === 'ERR ') {
    return { unpack: null, refs: [], progress: '', error: text(first.subarray(4)), keepAlives: 0 };
  }
  if (!sideBand) return { ...parseStatus(packets), progress: '', error: null, keepAlives: 0 };
  if (packets.at(-1) !== null) throw new Error('no flush at the end of the side band');
  const bands: Record<1 | 2 | 3, Buffer[]> = { 1: [], 2: [], 3: [] };
  let keepAlives = 0;
  for (const packet of packets) {
    if (packet === null) continue;
    const band = packet[0];
    if (band !== 1 && band !== 2 && band !== 3) throw new Error(`band ${band}`);
    if (packet.length === 1) keepAlives += 1;
    bands[band].push(packet.subarray(1));
  }
  const status = parseStatus(parsePackets(Buffer.concat(bands[1])));
  const error = bands[3].length > 0 ? text(Buffer.concat(bands[3])) : null;
  return { ...status, progress: Buffer.concat(bands[2]).toString('utf8'), error, keepAlives };
}

function parseStatus(packets: readonly (Buffer | null)[]): Pick<PushReport, 'unpack' | 'refs'> {
  if (packets.length === 0) return { unpack: null, refs: [] };
  if (packets.at(-1) !== null) throw new Error('no flush at the end of the report');
  const [head, ...rest] = packets.slice(0, -1).map((packet) => text(packet ?? Buffer.alloc(0)));
  if (!head?.startsWith('unpack ')) throw new Error(`not an unpack line: ${head}`);
  const refs: (RefReport & { options: Record<string, string> })[] = [];
  for (const line of rest) {
    const [word, second = '', ...others] = line.split(' ');
    if (word === 'option') {
      const last = refs.at(-1);
      if (!last?.ok) throw new Error('an option without an accepted ref');
      last.options[second] = others.join(' ');
    } else if (word === 'ok' && others.length === 0) {
      refs.push({ ref: second, ok: true, reason: null, options: {} });
    } else if (word === 'ng' && others.length > 0) {
      refs.push({ ref: second, ok: false, reason: others.join(' '), options: {} });
    } else {
      throw new Error(`not a line of a report: ${line}`);
    }
  }
  return { unpack: head.slice('unpack '.length), refs };
}

export interface Advertisement {
  readonly refs: Readonly<Record<string, string>>;
  /** `name` or `name=value`. */
  readonly capabilities: readonly string[];
}

/** Reads a version 0 advertisement over smart HTTP. */
export function parseAdvertisement(body: Uint8Array): Advertisement {
  const packets = parsePackets(body);
  const refs: Record<string, string> = {};
  let capabilities: readonly string[] = [];
  for (const packet of packets) {
    if (packet === null) continue;
    const line = text(packet);
    if (line.startsWith('# service=')) continue;
    const [reference = '', list] = line.split('\0');
    if (list !== undefined) capabilities = list.trim().split(' ');
    const [oid = '', ref = ''] = reference.split(' ');
    if (ref !== 'capabilities^{}') refs[ref] = oid;
  }
  return { refs, capabilities };
}

const text = (packet: Buffer): string => packet.toString('utf8').replace(/\n$/, '');
