// How much an entry matters to somebody who watches, from its action and verdict; syslog, CEF and OCSF each count it in
// their own way.
import type { AuditEntry } from '../../core/audit-entry.ts';

export type Severity = 'informational' | 'low' | 'medium' | 'high' | 'critical';

const byAction: Readonly<Record<string, Severity>> = {
  'guard.weakened': 'medium',
  'policy.loaded': 'low',
  'fetch.refused': 'low',
  'audit.key-rotated': 'medium',
  'audit.keys-rewrapped': 'medium',
  'audit.fingerprint-key-rotated': 'medium',
  'audit.resumed': 'high',
  'audit.sink-refused': 'high',
  'approval.glass-broken': 'high',
  'bypass.detected': 'high',
  'bypass.scanned': 'medium',
  'bypass.unlisted': 'medium',
  'repository.moved': 'medium',
  'repository.unwatched': 'high',
  'log.unscanned': 'medium',
  'artifact.unscanned': 'medium',
  'log.deletion-failed': 'high',
  'artifact.deletion-failed': 'high',
};
/** By the last word of the action. */
const byEnding: Readonly<Record<string, Severity>> = {
  refused: 'medium',
  forbidden: 'medium',
  failed: 'high',
  unknown: 'high',
};
const byVerdict: Readonly<Record<string, Severity>> = { deny: 'medium', hold: 'low', redact: 'low' };

/** The severity of an entry. */
export function severityOf({ action, details }: AuditEntry): Severity {
  const isVerdict = action.endsWith('.decided') || action.endsWith('.scanned');
  const verdict = isVerdict ? details['verdict'] : undefined;
  if (typeof verdict === 'string') {
    const critical = details['criticalFindings'];
    if (verdict === 'deny' && typeof critical === 'number' && critical > 0) return 'critical';
    return byVerdict[verdict] ?? 'informational';
  }
  return byAction[action] ?? byEnding[action.slice(action.lastIndexOf('.') + 1)] ?? 'informational';
}
