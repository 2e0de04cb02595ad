// Makes findings of hits: cuts the value out of the view, masks and fingerprints it, and forgets it.
import { catalog } from './catalog.ts';
import { type Decoded, locate, readText } from './decode.ts';
import type { Finding } from './finding.ts';
import { fingerprint, maskValue } from './mask.ts';
import type { Hit } from './rule.ts';

/** Where the decoded buffer begins in the file. */
export interface Origin {
  readonly path: string;
  /** Offset of the buffer's first byte in the file as stored. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** Builds the findings of merged hits. Offsets outside the buffer are a defect of a rule and are cut to fit. */
export function buildFindings(
  hits: readonly Hit[],
  decoded: Decoded,
  origin: Origin,
  key: Uint8Array,
): readonly Finding[] {
  if (hits.length === 0) return [];
  const places = locate(
    decoded,
    hits.flatMap((hit) => [hit.start, hit.end]),
    origin.line,
    origin.column,
  );
  return hits.flatMap((hit) => {
    const start = places.get(hit.start);
    const end = places.get(hit.end);
    if (start === undefined || end === undefined || hit.end <= hit.start) return [];
    const value = readText(decoded.view, hit.start, hit.end);
    const entry = catalog[hit.rule];
    return {
      rule: hit.rule,
      category: entry.category,
      identifier: entry.identifier,
      severity: hit.synthetic === undefined ? entry.severity : 'low',
      confidence: Math.round(Math.min(1, Math.max(0, hit.confidence)) * 100) / 100,
      path: origin.path,
      line: start.line,
      column: start.column,
      endLine: end.line,
      endColumn: end.column,
      byteStart: origin.offset + start.stored,
      byteEnd: origin.offset + end.stored,
      masked: maskValue(entry.mask, value),
      fingerprint: fingerprint(key, hit.rule, value),
      message: sentence(entry.message, hit),
    };
  });
}

function sentence(message: string, hit: Hit): string {
  const place = hit.place === undefined ? '' : ` Found in ${hit.place}.`;
  return hit.synthetic === undefined
    ? message + place
    : `${message}${place} Known synthetic: ${hit.synthetic}.`;
}

/** A finding about the content as a whole, such as an archive that cannot be read. */
export function policyFinding(
  rule: 'policy/unscannable' | 'policy/too-many-findings',
  path: string,
  bytes: number,
  reason: string,
  key: Uint8Array,
): Finding {
  const entry = catalog[rule];
  return {
    rule,
    category: entry.category,
    identifier: entry.identifier,
    severity: entry.severity,
    confidence: 1,
    path,
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 1,
    byteStart: 0,
    byteEnd: bytes,
    masked: '',
    fingerprint: fingerprint(key, rule, `${path}\0${reason}`),
    message: `${entry.message} ${reason}`,
  };
}
