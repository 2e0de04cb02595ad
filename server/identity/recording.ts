// Carries what was done to tokens into the audit log. At least once: after a crash between the entry and the note that
// it is there, the entry is written again with the same token id.
import type { AuditEvent, Json } from '../../core/audit-event.ts';
import type { Scope } from '../../core/principal.ts';
import type { AuditLog } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { listUnrecorded, markCreationRecorded, markRevocationRecorded } from './store.ts';
import type { TokenRecord } from './store.ts';

const mostAtOnce = 100;

export interface RecordingOptions {
  readonly database: Queryable;
  readonly audit: Pick<AuditLog, 'append'>;
}

/** Records the creation of a token; afterwards it may be honoured. */
export async function recordCreation(
  { database, audit }: RecordingOptions,
  record: TokenRecord,
): Promise<void> {
  await audit.append(creationOf(record));
  await markCreationRecorded(database, record.id);
}

/** Records all creations and revocations that are not recorded yet, some at a time. */
export async function recordPending(options: RecordingOptions): Promise<void> {
  for (const record of await listUnrecorded(options.database, mostAtOnce)) {
    if (!record.creationRecorded) await recordCreation(options, record);
    if (record.revokedAt !== null && !record.revocationRecorded) {
      await options.audit.append(revocationOf(record));
      await markRevocationRecorded(options.database, record.id);
    }
  }
}

function creationOf(record: TokenRecord): AuditEvent {
  return {
    action: 'token.created',
    request: record.id,
    actor: null,
    repository: null,
    details: {
      token: record.id,
      principal: record.principal,
      kind: record.kind,
      groups: record.groups,
      onBehalfOf: record.onBehalfOf,
      scopes: scopesJson(record.scopes),
      owner: record.owner,
      purpose: record.purpose,
      ...(record.certificate === null ? {} : { certificate: record.certificate }),
      issuedBy: record.issuedBy,
      createdAt: record.createdAt.toISOString(),
      expiresAt: record.expiresAt.toISOString(),
    },
  };
}

function revocationOf(record: TokenRecord): AuditEvent {
  return {
    action: 'token.revoked',
    request: record.id,
    actor: null,
    repository: null,
    details: {
      token: record.id,
      principal: record.principal,
      revokedBy: record.revokedBy,
      revokedAt: record.revokedAt?.toISOString() ?? null,
    },
  };
}

/** Scopes as the audit log keeps them. */
export function scopesJson(scopes: readonly Scope[]): Json {
  return scopes.map(({ repository, verbs, refs }) => ({
    repository,
    verbs,
    ...(refs === undefined ? {} : { refs }),
  }));
}
