// What a file of tests of pushes shares: a guarded forge, an agent and a human who push to it, repositories with names
// of their own, and the audit log read as attempts.
import type { AuditEntry } from '../../core/audit-entry.ts';
import { createSealing } from '../../server/audit/sealing/sealing.ts';
import { openWrappingKey } from '../../server/audit/sealing/wrapping-key.ts';
import { createTokenOffice } from '../../server/identity/tokens.ts';
import type { Database } from '../../server/db.ts';
import { withCredentials, type WorkTree } from './client.ts';
import {
  basic,
  type GuardedForge,
  type GuardedForgeOptions,
  startGuardedForge,
  upstreamPassword,
} from './guarded-forge.ts';
import type { RepositoryOptions, UpstreamRepository } from './upstream-repository.ts';

/** The entries of one attempt, in the order of the log. */
export interface Attempt {
  readonly request: string;
  readonly actions: readonly string[];
  readonly entries: readonly AuditEntry[];
  /** Details of the entry with this action; throws where there is none. */
  details(action: string): AuditEntry['details'];
}

export interface PushRepository {
  readonly upstream: UpstreamRepository;
  /** As the audit log calls it. */
  readonly id: string;
  /** Through the guard, with the agent's token. */
  readonly agentUrl: string;
  readonly humanUrl: string;
  /** Through the guard, without credentials; for requests by hand. */
  readonly bareUrl: string;
  /** Past the guard: what stock git makes of the same push. */
  readonly directUrl: string;
  clone(args?: readonly string[]): Promise<WorkTree>;
  /** Makes an empty work tree whose origin this is. */
  init(args?: readonly string[]): Promise<WorkTree>;
  attempts(): Promise<readonly Attempt[]>;
  lastAttempt(): Promise<Attempt>;
}

/** A repository with one commit on main, and a clone of it through the guard. */
export interface Seeded {
  readonly repo: PushRepository;
  readonly work: WorkTree;
}

/** Makes one; `args` are for the clone. */
export async function cloneSeeded(
  forge: PushForge,
  seed: NonNullable<RepositoryOptions['seed']>,
  args?: readonly string[],
): Promise<Seeded> {
  const repo = await forge.repo({ seed });
  return { repo, work: await repo.clone(args) };
}

export interface PushForge extends AsyncDisposable {
  readonly guard: GuardedForge['guard'];
  readonly upstream: GuardedForge['upstream'];
  readonly client: GuardedForge['client'];
  readonly database: Database;
  /** Authorization header of the agent, for requests by hand. */
  readonly agentHeader: string;
  readonly agentToken: string;
  repo(options?: RepositoryOptions): Promise<PushRepository>;
  /** Every attempt on every repository. */
  attempts(): Promise<readonly Attempt[]>;
  /** Files with objects that are in quarantine now. */
  quarantined(): Promise<readonly string[]>;
  /** What is encrypted in the database, opened: entries of the audit log and evidence. */
  opened(): Promise<string>;
  /** Everything that the guard has in its database, as text. */
  stored(): Promise<string>;
}

/** Starts all of it. */
export async function startPushForge(options: GuardedForgeOptions = {}): Promise<PushForge> {
  await using opened = new AsyncDisposableStack();
  const forge = opened.use(await startGuardedForge(options));
  const { guard, upstream, client, token } = forge;
  const database = forge.database.database;
  const humanToken = await issueToHuman(database);
  const all = opened.move();
  let made = 0;

  return {
    guard,
    upstream,
    client,
    database,
    agentToken: token,
    agentHeader: basic(token),
    quarantined: forge.quarantined,
    stored: () => storedText(database),
    opened: async () =>
      `${JSON.stringify(await forge.audit())}\n${await evidenceText(database, guard.dataDir)}`,
    attempts: async () => attemptsOf(await forge.audit()),
    repo: async (repositoryOptions) => {
      const name = `pushes/repo-${(made += 1)}`;
      const id = `forge/${name}`;
      const created = await forge.createRepo(name, repositoryOptions);
      const attempts = async (): Promise<readonly Attempt[]> =>
        attemptsOf((await forge.audit()).filter((entry) => entry.repository === id));
      return {
        upstream: created.repository,
        id,
        bareUrl: created.bareUrl,
        agentUrl: created.url,
        humanUrl: withCredentials(created.bareUrl, 'human', humanToken),
        directUrl: withCredentials(`${upstream.url}/${name}.git`, 'guard', upstreamPassword),
        clone: (args) => client.clone(created.url, args),
        init: (args) => client.init(created.url, args),
        attempts,
        lastAttempt: async () => {
          const last = (await attempts()).at(-1);
          if (last === undefined) throw new Error(`no attempt on ${id}`);
          return last;
        },
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function issueToHuman(database: Database): Promise<string> {
  const office = createTokenOffice({ database, clock: { now: () => new Date() }, maxLifetime: 86_400 });
  const { token } = await office.issue({
    kind: 'human',
    name: 'person',
    owner: 'human:person',
    purpose: 'testing',
    groups: [],
    onBehalfOf: [],
    scopes: [{ repository: 'forge/**', verbs: ['fetch', 'push'] }],
    lifetime: 3_600,
    issuedBy: 'test',
  });
  return token.reveal();
}

function attemptsOf(entries: readonly AuditEntry[]): readonly Attempt[] {
  const pushes = entries.filter((entry) => entry.action.startsWith('push.'));
  return [...Map.groupBy(pushes, (entry) => entry.request)].map(([request, group]) => {
    const actions = group.map((entry) => entry.action);
    return {
      request,
      actions,
      entries: group,
      details: (action) => {
        const found = group.find((entry) => entry.action === action);
        if (found === undefined) throw new Error(`no ${action} among ${actions.join(' ')}`);
        return found.details;
      },
    };
  });
}

async function storedText(database: Database): Promise<string> {
  const tables = await database.query<{ readonly name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const parts: string[] = [];
  for (const { name } of tables) {
    const rows = await database.query<Record<string, unknown>>(`select * from ${name}`);
    for (const value of rows.flatMap((row) => Object.values(row))) {
      parts.push(Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value));
    }
  }
  return parts.join('\n');
}

async function evidenceText(database: Database, dataDir: string): Promise<string> {
  const sealing = createSealing(await openWrappingKey(database, dataDir, undefined));
  const kept = await database.query<{
    readonly digest: string;
    readonly key: string;
    readonly data: Uint8Array;
  }>('select digest, key, body as data from evidence where body is not null');
  const opened = await Promise.all(kept.map((document) => sealing.openDocument(database, document)));
  return opened
    .map((document) => {
      if (document.kind !== 'opened') throw new Error(`evidence that cannot be opened: ${document.kind}`);
      return Buffer.from(document.body).toString();
    })
    .join('\n');
}
