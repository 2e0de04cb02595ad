// One GitHub behind the guard, and the services that everything about it works with.
import type { EvidenceStore } from '../core/activity/evidence.ts';
import type { PushedBy } from '../core/pushed-by.ts';
import type { RecordedEntries } from '../core/recorded-entries.ts';
import type {
  ApprovalService,
  AuditLog,
  ChangeScanner,
  Clock,
  PolicyService,
  RemoteRefs,
  ScanService,
} from '../core/services.ts';
import type { Database } from '../server/db.ts';
import type { GithubAppConfig } from '../server/github-app-types.ts';
import type { GithubApi } from './api.ts';
import type { Ledger } from './bypass/ledger.ts';
import type { GithubStorage } from './workflows/storage.ts';

export interface Hub {
  /** Name of the forge. */
  readonly forge: string;
  readonly url: string;
  /** Of the App, at GitHub. */
  readonly appId: number;
  readonly app: GithubAppConfig;
  readonly api: GithubApi;
  readonly storage: GithubStorage;
}

export interface HubServices {
  readonly database: Database;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly scanner: ScanService;
  readonly changes: ChangeScanner;
  readonly refs: RemoteRefs;
  /** What the guard itself has forwarded or let pass. */
  readonly ledger: Ledger;
  readonly policy: PolicyService;
  readonly approvals: ApprovalService;
  readonly clock: Clock;
  readonly evidence: EvidenceStore;
  readonly pushedBy: PushedBy;
  /** What the audit log holds of requests. */
  readonly recordedEntries: RecordedEntries;
  /** Private directory for what is too large for memory. */
  readonly dataDir: string;
  /** Those of these principals who may not act any more. */
  readonly ended: (ids: readonly string[]) => Promise<readonly string[]>;
  /** Has work done soon that was put in. */
  readonly wakeUp: (work: readonly { readonly id: string; readonly generation: number }[]) => void;
}

/** What policies, scopes and the audit log call a repository. */
export function repositoryId(hub: Pick<Hub, 'forge'>, repository: string): string {
  return `${hub.forge}/${repository}`.toLowerCase();
}
