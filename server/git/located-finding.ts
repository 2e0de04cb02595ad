// A finding together with the commit that holds it: what the refusal shows and the audit log keeps.
import { createHash } from 'node:crypto';
import type { Finding, Severity } from '../../scanners/finding.ts';

/** Where in the push the finding stands. */
export type Place =
  | 'file'
  | 'commit message'
  | 'tag message'
  | 'note'
  | 'path name'
  | 'ref name'
  | 'push option'
  | 'author line'
  | 'tagger line';

export interface LocatedFinding {
  readonly finding: Finding;
  readonly place: Place;
  /** The commit (or tag) that brought it; undefined for refs, options and objects that nothing reaches. */
  readonly commit: string | undefined;
  /** The ref whose update brought it; empty where none did. */
  readonly ref: string;
}

/**
 * A finding of the guard itself about the shape of a push; it concerns no value, so nothing is masked. `what` tells
 * several of one file apart.
 */
export function policyFinding(
  rule: string,
  severity: Severity,
  path: string,
  message: string,
  what = '',
): Finding {
  return {
    rule,
    category: 'policy',
    identifier: 'other',
    severity,
    confidence: 1,
    path,
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 1,
    byteStart: 0,
    byteEnd: 0,
    masked: '',
    fingerprint: createHash('sha256')
      .update(what === '' ? `${rule}\0${path}` : `${rule}\0${path}\0${what}`)
      .digest('hex')
      .slice(0, 32),
    message,
  };
}
