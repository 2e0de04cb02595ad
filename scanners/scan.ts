// The scanner: bytes in, findings out. Small objects are read as a whole, large ones in windows; both ways end in the
// same rules. Nothing here reads a file, a clock or the environment.
import { decode, sniffEncoding } from './decode.ts';
import type { Finding } from './finding.ts';
import { buildFindings, policyFinding } from './finding-builder.ts';
import { defaultLimits, type ScanLimits } from './limits.ts';
import { mergeHits } from './merge.ts';
import { loadSecretlint } from './secrets/secretlint.ts';
import { warmTokenEfficiency } from './secrets/token-efficiency.ts';
import type { ScanResult, ScanTarget } from './target.ts';
import { compile, scanText } from './text-scan.ts';

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

/** Makes a scanner. Scanners are independent; one may scan many targets at once. */
export function createScanner(options: ScannerOptions): Scanner {
  const limits = { ...defaultLimits, ...options.limits };
  const key = options.fingerprintKey;
  const rules = compile();

  async function scan(target: ScanTarget, bytes: Uint8Array): Promise<ScanResult> {
    const decoded = decode(bytes, sniffEncoding(bytes));
    const { hits } = await scanText(rules, target, decoded, 0, undefined);
    const origin = { path: target.path, offset: 0, line: 1, column: 1 };
    const findings = buildFindings(mergeHits(hits), decoded, origin, key);
    return { findings: capFindings(findings, target, bytes.length), bytes: bytes.length };
  }

  function capFindings(findings: readonly Finding[], target: ScanTarget, bytes: number): readonly Finding[] {
    if (findings.length <= limits.maxFindings) return findings;
    const note = `${findings.length} were found, ${limits.maxFindings} are listed.`;
    return [
      ...findings.slice(0, limits.maxFindings),
      policyFinding('policy/too-many-findings', target.path, bytes, note, key),
    ];
  }

  function open(target: ScanTarget): ScanWriter {
    const chunks: Uint8Array[] = [];
    return {
      write: async (chunk) => void chunks.push(chunk),
      end: () => scan(target, Buffer.concat(chunks)),
    };
  }

  async function warm(): Promise<void> {
    await Promise.all([warmTokenEfficiency(), loadSecretlint()]);
  }

  return { scan, open, warm };
}
