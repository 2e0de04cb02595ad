// Which class and activity of OCSF an entry is, as a table by action; the first line that fits counts. Actions that are
// not in it are API Activity. Class and activity numbers are those of OCSF 1.8.0.
import type { AuditEntry } from '../../core/audit-entry.ts';

export const ocsfVersion = '1.8.0';

export const ocsfClasses = {
  finding: { uid: 2006, category: 2 },
  authentication: { uid: 3002, category: 3 },
  entity: { uid: 3004, category: 3 },
  access: { uid: 3005, category: 3 },
  lifecycle: { uid: 6002, category: 6 },
  api: { uid: 6003, category: 6 },
} as const;
export type OcsfClass = keyof typeof ocsfClasses;

export interface OcsfKind {
  readonly of: OcsfClass;
  readonly activity: number;
}

const other = 99;
/** An action, or with a full stop or hyphen at its end all that begin so. */
const kinds: readonly (readonly [action: string, of: OcsfClass, activity: number])[] = [
  ['guard.started', 'lifecycle', 3],
  ['guard.stopped', 'lifecycle', 4],
  ['guard.weakened', 'entity', 3],
  ['policy.', 'entity', 3],
  ['identity.', 'authentication', 1],
  ['login.', 'authentication', 1],
  ['session.started', 'authentication', 1],
  ['session.ended', 'authentication', 2],
  ['device.', 'authentication', 1],
  ['person.created', 'entity', 1],
  ['person.', 'entity', 3],
  ['group.', 'entity', 3],
  ['token.created', 'access', 1],
  ['token.revoked', 'access', 2],
  ['fetch.', 'api', 2],
  ['push.', 'api', 3],
  ['publish.', 'api', 1],
  ['merge.', 'api', 3],
  ['bypass.', 'api', 3],
  ['repository.', 'entity', 3],
  ['deploy.', 'api', 3],
  ['log.scanned', 'api', 2],
  ['log.', 'api', 4],
  ['artifact.scanned', 'api', 2],
  ['artifact.', 'api', 4],
  ['approval.requested', 'entity', 1],
  ['approval.shown', 'entity', 2],
  ['approval.forbidden', 'api', 3],
  ['approval.', 'entity', 3],
  ['audit.read', 'api', 2],
  ['audit.exported', 'api', 2],
  ['audit.refused', 'api', 2],
  ['audit.report-made', 'api', 1],
  ['audit.key-rotated', 'entity', 3],
  ['audit.keys-rewrapped', 'entity', 3],
  ['audit.fingerprint-key-rotated', 'entity', 3],
  ['audit.hold-added', 'entity', 1],
  ['audit.hold-released', 'entity', 4],
  ['audit.pruned', 'api', 4],
  ['audit.', 'lifecycle', other],
];

/** The class and activity of an entry; a decision about findings is a Data Security Finding. */
export function ocsfKindOf({ action, details }: AuditEntry): OcsfKind {
  const { findings } = details;
  const isVerdict = action.endsWith('.decided') || action.endsWith('.scanned');
  if (isVerdict && Array.isArray(findings) && findings.length > 0) return { of: 'finding', activity: 1 };
  const found = kinds.find(([name]) => (/[.-]$/.test(name) ? action.startsWith(name) : action === name));
  return found === undefined ? { of: 'api', activity: other } : { of: found[1], activity: found[2] };
}
