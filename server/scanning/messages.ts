// What the pool and its workers say to each other. Both ends are this program; the bytes inside are not trusted.
import type { ScanLimits } from '../../scanners/limits.ts';
import type { RedactOptions } from '../../scanners/redact.ts';
import type { ScanResult, ScanTarget } from '../../scanners/target.ts';

/** Given to a worker when it starts. */
export interface WorkerSettings {
  readonly fingerprintKey: Uint8Array;
  readonly limits: Partial<ScanLimits>;
}

export interface ScanTask {
  readonly id: number;
  readonly target: ScanTarget;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type ToWorker =
  | { readonly kind: 'batch'; readonly tasks: readonly ScanTask[] }
  | { readonly kind: 'open'; readonly id: number; readonly target: ScanTarget }
  | { readonly kind: 'write'; readonly id: number; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'open-redactor'; readonly id: number; readonly options: Required<RedactOptions> }
  | { readonly kind: 'redact'; readonly id: number; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'redact-end'; readonly id: number }
  | { readonly kind: 'close'; readonly id: number };

export type Answer =
  | { readonly kind: 'result'; readonly id: number; readonly result: ScanResult }
  | { readonly kind: 'taken'; readonly id: number }
  | { readonly kind: 'redacted'; readonly id: number; readonly parts: readonly Uint8Array[] }
  | { readonly kind: 'failed'; readonly id: number };

export type FromWorker =
  { readonly kind: 'ready' } | { readonly kind: 'answers'; readonly answers: readonly Answer[] };
