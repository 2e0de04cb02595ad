// What is given to the scanners and what they answer.
import type { Finding } from './finding.ts';

/**
 * One thing to scan. `file` is content with a path; `message` is prose written by a person or an agent (a commit or
 * tag message, a note, a push option); `names` is a list of path or ref names, one a line.
 */
export interface ScanTarget {
  readonly kind: 'file' | 'message' | 'names';
  /** Path in the repository, or a label such as `commit message`. Its extension is a hint, never trusted. */
  readonly path: string;
}

export interface ScanResult {
  readonly findings: readonly Finding[];
  /** Bytes read, as stored. */
  readonly bytes: number;
}
