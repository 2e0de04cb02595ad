// The scanner: bytes in, findings out. Small objects are read as a whole, large ones in windows, archives entry by
// entry; all ways end in the same rules. Nothing here reads a file, a clock or the environment.
import { ArchiveBudget } from './archive/budget.ts';
import { archiveKind, readEntries } from './archive/entries.ts';
import { decode, sniffEncoding } from './decode.ts';
import type { Finding } from './finding.ts';
import { buildFindings, policyFinding } from './finding-builder.ts';
import { defaultLimits, enoughHits, type ScanLimits } from './limits.ts';
import { mergeHits } from './merge.ts';
import { loadSecretlint } from './secrets/secretlint.ts';
import { loadVocabulary } from './secrets/token-efficiency.ts';
import type { ScanResult, ScanTarget } from './target.ts';
import { compileRules } from './rules.ts';
import { scanText } from './text-scan.ts';
import { WindowedScan } from './windowed-scan.ts';

export interface ScanWriter {
  /** Gives the next bytes; resolves when the scanner can take more. */
  readonly write: (chunk: Uint8Array) => Promise<void>;
  /** Ends the object and returns all its findings. */
  readonly end: () => Promise<ScanResult>;
}

export interface Scanner {
  readonly scan: (target: ScanTarget, bytes: Uint8Array) => Promise<ScanResult>;
  /** Opens an object of any size; memory stays within a few windows. */
  readonly open: (target: ScanTarget) => ScanWriter;
  /** Loads what is otherwise loaded when it is first needed. */
  readonly warm: () => Promise<void>;
}

export interface ScannerOptions {
  /** Key of the fingerprints; equal values get equal fingerprints only under the same key. */
  readonly fingerprintKey: Uint8Array;
  readonly limits?: Partial<ScanLimits>;
}

/** Findings of one text or archive; `count` includes those that were not kept. */
interface Found {
  readonly findings: readonly Finding[];
  readonly count: number;
}

/** Makes a scanner. Scanners are independent; one may scan many targets at once. */
export function createScanner(options: ScannerOptions): Scanner {
  const limits = { ...defaultLimits, ...options.limits };
  const key = options.fingerprintKey;
  const rules = compileRules();

  async function scan(target: ScanTarget, bytes: Uint8Array): Promise<ScanResult> {
    const found = await scanAny(target, bytes, 0, new ArchiveBudget(limits));
    return { findings: capped(found, target, bytes.length), bytes: bytes.length };
  }

  async function scanAny(
    target: ScanTarget,
    bytes: Uint8Array,
    depth: number,
    budget: ArchiveBudget,
  ): Promise<Found> {
    const kind = target.kind === 'file' ? archiveKind(bytes) : undefined;
    const text = await scanBytes(target, bytes);
    if (kind === undefined) return text;
    return joined([text, await scanArchive(kind, target, bytes, depth, budget)]);
  }

  async function scanBytes(target: ScanTarget, bytes: Uint8Array): Promise<Found> {
    if (bytes.length > limits.wholeBytes) {
      const windows = new WindowedScan(rules, target, limits, key);
      await windows.write(bytes);
      await windows.end();
      return windows;
    }
    const decoded = decode(bytes, sniffEncoding(bytes));
    const enough = enoughHits(limits);
    const { hits } = await scanText(rules, { target, decoded, from: 0, previous: undefined, enough });
    const origin = { path: target.path, offset: 0, line: 1, column: 1 };
    const merged = mergeHits(hits);
    // What is beyond the cap is counted and never built.
    const findings = buildFindings(merged.slice(0, limits.maxFindings), decoded, origin, key);
    return { findings, count: merged.length };
  }

  async function scanArchive(
    kind: NonNullable<ReturnType<typeof archiveKind>>,
    target: ScanTarget,
    bytes: Uint8Array,
    depth: number,
    budget: ArchiveBudget,
  ): Promise<Found> {
    const unscannable = (path: string, reason: string): Found => ({
      findings: [policyFinding('policy/unscannable', path, bytes.length, reason, key)],
      count: 1,
    });
    if (depth >= limits.archiveDepth)
      return unscannable(target.path, 'It lies too deep inside other archives.');
    const found: Found[] = [];
    let count = 0;
    const name = target.path.slice(Math.max(target.path.lastIndexOf('/'), target.path.lastIndexOf('!')) + 1);
    for (const entry of readEntries(kind, bytes, name, (packed) => budget.allowance(packed))) {
      const path = `${target.path}!${entry.name}`;
      if (entry.kind === 'unreadable') found.push(unscannable(path, entry.reason));
      else if (!budget.take(entry.bytes.length)) {
        found.push(unscannable(target.path, 'It holds more files or bytes than are read.'));
        break;
      } else {
        const inner = { kind: 'file', path } as const;
        const inside = await scanAny(inner, entry.bytes, depth + 1, budget);
        found.push(inside);
        found.push(await scanBytes({ kind: 'names', path }, Buffer.from(entry.name)));
        count += inside.count;
        if (count > limits.maxFindings) break;
      }
    }
    const all = joined(found);
    return {
      findings: all.findings.map((finding) => ({ ...finding, byteStart: 0, byteEnd: bytes.length })),
      count: all.count,
    };
  }

  function joined(parts: readonly Found[]): Found {
    return {
      findings: parts.flatMap((part) => part.findings).slice(0, limits.maxFindings),
      count: parts.reduce((sum, part) => sum + part.count, 0),
    };
  }

  function capped(found: Found, target: ScanTarget, bytes: number): readonly Finding[] {
    if (found.count <= limits.maxFindings) return found.findings;
    const note = `The first ${limits.maxFindings} are listed.`;
    const last = policyFinding('policy/too-many-findings', target.path, bytes, note, key);
    return [...found.findings.slice(0, limits.maxFindings), last];
  }

  function open(target: ScanTarget): ScanWriter {
    let gathered: Uint8Array[] = [];
    let bytes = 0;
    let windows: WindowedScan | undefined;
    let archive: boolean | undefined;
    return {
      async write(chunk) {
        gathered.push(chunk);
        bytes += chunk.length;
        if (windows === undefined) {
          if (bytes <= limits.wholeBytes) return;
          archive ??= target.kind === 'file' && archiveKind(Buffer.concat(gathered)) !== undefined;
          // A whole archive is needed to read it; one that is too large for that is refused by name below.
          if (archive && bytes <= limits.archiveBytes) return;
          windows = new WindowedScan(rules, target, limits, key);
        }
        const next = gathered;
        gathered = [];
        for (const each of next) await windows.write(each);
      },
      async end() {
        if (windows === undefined) return scan(target, Buffer.concat(gathered));
        await windows.end();
        const reason = 'The archive is larger than is read.';
        const note =
          archive === true ? [policyFinding('policy/unscannable', target.path, bytes, reason, key)] : [];
        return { findings: [...capped(windows, target, bytes), ...note], bytes };
      },
    };
  }

  /** Large vocabularies and rules of others, which most scans never need. */
  async function warm(): Promise<void> {
    await Promise.all([loadVocabulary(), loadSecretlint()]);
  }

  return { scan, open, warm };
}
