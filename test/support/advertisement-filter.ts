// Takes capabilities out of a ref advertisement, so that an upstream looks like an older or poorer server.
// pkt-line: four hex digits of length (themselves included), then the payload; 0000, 0001 and 0002 have none.

/** Returns `advertisement` without the named capabilities; `name` also removes `name=value`. */
export function withoutCapabilities(advertisement: Uint8Array, names: readonly string[]): Uint8Array {
  const bytes = Buffer.from(advertisement);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number.parseInt(bytes.toString('latin1', at, at + 4), 16);
    const end = at + Math.max(length, 4);
    const payload = bytes.subarray(at + 4, end);
    const nul = payload.indexOf(0);
    parts.push(length <= 4 || nul < 0 ? bytes.subarray(at, end) : filtered(payload, nul, names));
    at = end;
  }
  return Buffer.concat(parts);
}

function filtered(payload: Buffer, nul: number, names: readonly string[]): Buffer {
  const kept = payload
    .toString('latin1', nul + 1)
    .trim()
    .split(' ')
    .filter((capability) => !names.includes(capability.split('=', 1)[0] ?? ''));
  const edited = Buffer.concat([payload.subarray(0, nul + 1), Buffer.from(`${kept.join(' ')}\n`, 'latin1')]);
  return Buffer.concat([Buffer.from((edited.length + 4).toString(16).padStart(4, '0')), edited]);
}
