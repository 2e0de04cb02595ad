// An upstream, a guard in front of it as a process of its own, and a git client. The guard keeps its records in a
// database of the test run, so that a test can read the audit log beside it.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuditEntry, parseEntry } from '../../core/audit-entry.ts';
import type { Verb } from '../../core/principal.ts';
import { createTokenOffice } from '../../server/identity/tokens.ts';
import { createSealing } from '../../server/audit/sealing/sealing.ts';
import { findWrappingKey } from '../../server/audit/sealing/wrapping-key.ts';
import type { Database } from '../../server/db.ts';
import { createGitClient, type GitClient, withCredentials, type WorkTree } from './client.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { type GuardOptions, type RunningGuard, startGuard } from './guard.ts';
import { upstreamSecret } from './upstream-secret.ts';
import { startUpstream, type Upstream, type UpstreamCredential } from './upstream.ts';
import type { RepositoryOptions, UpstreamRepository } from './upstream-repository.ts';

/** What the guard shows the upstream; looked for everywhere else. */
export const upstreamPassword = upstreamSecret();
export const upstreamCredential: UpstreamCredential = {
  kind: 'basic',
  username: 'guard',
  password: upstreamPassword,
};

export interface GuardedForgeOptions {
  /** `limits` of the configuration. */
  readonly limits?: Readonly<Record<string, number | string>>;
  /** `approvals` of the configuration. */
  readonly approvals?: Readonly<Record<string, number | string>>;
  /** More members of the configuration's first forge, which is named `forge`. */
  readonly forge?: object;
  /** Forges besides the first. */
  readonly forges?: readonly object[];
  /** More members of the configuration. */
  readonly config?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly policy?: GuardOptions['policy'];
  /** Default: a database of its own. */
  readonly database?: TestDatabase;
  readonly dataDir?: string;
  /** Default: a free port. */
  readonly port?: number;
  /** The authority of the certificate with which the guard listens. */
  readonly ca?: string;
}

export interface TokenOptions {
  readonly verbs?: readonly Verb[];
  /** Glob of the scope. Default: everything. */
  readonly repository?: string;
  /** Globs of refs that may be pushed to. Default: all. */
  readonly refs?: readonly string[];
  /** Seconds; default an hour. */
  readonly lifetime?: number;
  readonly name?: string;
}

export interface GuardedRepository {
  readonly repository: UpstreamRepository;
  /** At the guard, the agent's token included. */
  readonly url: string;
  /** At the guard, without a credential. */
  readonly bareUrl: string;
}

export interface GuardedForge extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly guard: RunningGuard;
  readonly client: GitClient;
  readonly database: TestDatabase;
  /** A token of an agent that may fetch and push everywhere. */
  readonly token: string;
  /** `Basic …` of that token. */
  readonly authorization: string;
  issue(options?: TokenOptions): Promise<{ readonly token: string; readonly id: string }>;
  createRepo(name: string, options?: RepositoryOptions): Promise<GuardedRepository>;
  /** A repository with one commit, and a clone of it through the guard. */
  cloneOfNew(
    options?: RepositoryOptions,
  ): Promise<GuardedRepository & { readonly tree: WorkTree; readonly name: string }>;
  /** Entries of the audit log, oldest first; those of one request where it is given. */
  audit(request?: string): Promise<readonly AuditEntry[]>;
  /** Files with objects in the quarantine directory; empty quarantines may wait there for the next push. */
  quarantined(): Promise<readonly string[]>;
}

/** Starts all of it. The upstream asks for a credential, which the guard has. */
export async function startGuardedForge(options: GuardedForgeOptions = {}): Promise<GuardedForge> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream({ credential: upstreamCredential }));
  const database = options.database ?? stack.use(await freshDatabase());
  const client = stack.use(await createGitClient());
  const forge = {
    name: 'forge',
    url: upstream.url,
    credential: { mode: 'basic', username: 'guard', password: { env: 'UPSTREAM_PASSWORD' } },
    ...options.forge,
  };
  const guard = stack.use(
    await startGuard({
      config: {
        ...options.config,
        forges: [forge, ...(options.forges ?? [])],
        ...(options.limits === undefined ? {} : { limits: options.limits }),
        ...(options.approvals === undefined ? {} : { approvals: options.approvals }),
        ...(options.policy === undefined ? {} : { policyFile: 'policy.yaml' }),
      },
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      env: { UPSTREAM_PASSWORD: upstreamPassword, DATABASE_URL: database.url, ...options.env },
    }),
  );
  const issue = (more?: TokenOptions): ReturnType<typeof issueToken> => issueToken(database.database, more);
  const { token } = await issue();
  let repositories = 0;
  const createRepo = async (name: string, more?: RepositoryOptions): Promise<GuardedRepository> => {
    const bareUrl = `${guard.url}/git/forge/${name}.git`;
    return {
      repository: await upstream.createRepo(name, more),
      bareUrl,
      url: withCredentials(bareUrl, 'agent', token),
    };
  };
  const kept = stack.move();
  return {
    upstream,
    guard,
    client,
    database,
    token,
    authorization: basic(token),
    issue,
    createRepo,
    cloneOfNew: async (more = {}) => {
      const name = `team/made-${(repositories += 1)}`;
      const made = await createRepo(name, { seed: { 'README.md': `${name}\n` }, ...more });
      return { ...made, name, tree: await client.clone(made.url) };
    },
    audit: (request) => readAudit(database.database, request, guard.dataDir),
    quarantined: () => quarantinedFiles(guard.dataDir),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** HTTP Basic with a token as password. */
export function basic(token: string, user = 'agent'): string {
  return `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
}

/** Issues a token of an agent as the command line does. */
export async function issueToken(
  database: Database,
  options: TokenOptions = {},
): Promise<{ readonly token: string; readonly id: string }> {
  const office = createTokenOffice({ database, clock: { now: () => new Date() }, maxLifetime: 90 * 86_400 });
  const { token, record } = await office.issue({
    kind: 'agent',
    name: options.name ?? 'worker',
    owner: 'human:operator',
    purpose: 'testing',
    groups: [],
    onBehalfOf: ['human:operator'],
    scopes: [
      {
        repository: options.repository ?? '**',
        verbs: [...(options.verbs ?? ['fetch', 'push'])],
        ...(options.refs === undefined ? {} : { refs: [...options.refs] }),
      },
    ],
    lifetime: options.lifetime ?? 3_600,
    issuedBy: 'test',
  });
  return { token: token.reveal(), id: record.id };
}

/**
 * Reads the audit log from its table; throws at an entry that is none. Sealed texts are opened with the key of the data
 * directory, where one is given.
 */
export async function readAudit(
  database: Database,
  request?: string,
  dataDir?: string,
): Promise<readonly AuditEntry[]> {
  const rows = await database.query<{ readonly body: Buffer }>(
    'select body from audit_entry order by audit_entry.index',
  );
  const key = dataDir === undefined ? undefined : await findWrappingKey(dataDir, undefined);
  const sealing = createSealing(key);
  const entries: AuditEntry[] = [];
  for (const { body } of rows) {
    const entry = parseEntry(body);
    if (entry === undefined) throw new Error(`not an audit entry: ${body.toString('utf8')}`);
    if (request === undefined || entry.request === request) entries.push(await sealing.open(database, entry));
  }
  return entries;
}

/** The request id that a refusal or an error names. */
export function requestIn(text: string): string {
  const found = /request:? ([0-9a-f]{16})/.exec(text)?.[1];
  if (found === undefined) throw new Error(`no request id in: ${text}`);
  return found;
}

/** The entries of the last push that brought this object. */
export async function attemptOf(scene: GuardedForge, newOid: string): Promise<readonly AuditEntry[]> {
  const entries = await scene.audit();
  const received = entries.findLast(
    (entry) => entry.action === 'push.received' && JSON.stringify(entry.details).includes(newOid),
  );
  if (received === undefined) return [];
  // Its evidence comes when the client has its answer.
  return entries.filter(({ action, request }) => request === received.request && action !== 'evidence.kept');
}

/** Files with objects in the quarantine directory; empty quarantines may wait there for the next push. */
export async function quarantinedFiles(dataDir: string): Promise<readonly string[]> {
  const root = join(dataDir, 'quarantine');
  const entries = await readdir(root, { recursive: true }).catch(() => []);
  const files = entries.filter((entry) => entry.includes('/objects/') || entry.endsWith('.pack'));
  const sizes = await Promise.all(
    files.map(async (file) => {
      const found = await stat(join(root, file)).catch(() => undefined);
      return found?.isFile() === true ? found.size : 0;
    }),
  );
  return files.filter((_file, index) => (sizes[index] ?? 0) > 0);
}
