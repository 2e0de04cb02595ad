// From the checked text to the configuration in force: environment variables over the file, secrets and files read,
// relative names made absolute. Collects problems instead of stopping at the first.
import { resolveCheckpointStore } from './checkpoint-store-resolve.ts';
import { anchorWeakenings } from './audit-evidence-schema.ts';
import { resolveAnchorGit } from './anchor-git-resolve.ts';
import { join, resolve } from 'node:path';
import type { OpenDocument } from '../core/document.ts';
import type { Problem, ValuePath } from '../core/yaml.ts';
import type { Config, Environment, ForgeConfig } from './config-types.ts';
import type { NotificationChannel } from './notification-types.ts';
import { formatBaseUrl, isLoopback, isPlainRemote, parseBaseUrl, parsePort } from './address.ts';
import { ReferenceReader } from './config-references.ts';
import type { ConfigDocument, ForgeDocument } from './config-schema.ts';
import type { SecretRef } from './config-values.ts';
import { resolveCredential } from './credential-resolve.ts';
import { issuerWeakenings, resolveIssuers } from './issuer-resolve.ts';
import { resolveGithubApp } from './github-app-resolve.ts';
import { notificationWeakenings, resolveNotification } from './notification-resolve.ts';
import { resolveS3Place } from './s3-schema.ts';
import { Secret } from './secret.ts';
import { resolvePeople } from './web-login-resolve.ts';
import { resolveSink, sinkWeakenings } from './sink-resolve.ts';
import type { SinkSettings } from './sink-types.ts';

/** Environment variables that the guard reads, and what they set. docs/configuration.md lists them. */
export const environmentVariables = {
  FORGEGUARD_CONFIG: 'the configuration file, where `--config` is not given',
  FORGEGUARD_DATA_DIR: '`dataDir`',
  FORGEGUARD_PUBLIC_URL: '`publicUrl`',
  FORGEGUARD_DANGEROUSLY_ALLOW_PLAIN_HTTP_LISTEN: '`dangerouslyAllowPlainHttpListen`, where it is `true`',
  PORT: '`listen.port`',
  HOST: '`listen.host`',
  DATABASE_URL: '`database.url`',
  REDIS_URL: '`redis.url`',
} as const;
type Variable = keyof typeof environmentVariables;

export interface Surroundings {
  readonly env: Environment;
  /** The file that was read, absolute. */
  readonly file: string | undefined;
  /** What relative names in the file are relative to. */
  readonly directory: string;
}

export interface Resolution {
  readonly config: Config;
  readonly problems: readonly Problem[];
}

/** The configuration in force, with every problem that was met on the way; with problems it must not be used. */
export async function resolveConfig(
  document: OpenDocument<ConfigDocument>,
  surroundings: Surroundings,
): Promise<Resolution> {
  const work = new Resolver(document, surroundings);
  const written = document.data;
  const listen = work.listen(written.listen);
  const publicUrl = work.publicUrl(written.publicUrl);
  const forges: ForgeConfig[] = [];
  for (const [index, forge] of written.forges.entries()) forges.push(await work.forge(forge, index));
  const notifications: NotificationChannel[] = [];
  for (const [index, channel] of written.notifications.entries())
    notifications.push(
      await resolveNotification(
        work.references,
        (path, message) => work.fault(path, message),
        channel,
        index,
      ),
    );
  const people = await resolvePeople(
    work.references,
    (path, message) => work.fault(path, message),
    written.identity,
    publicUrl,
  );
  const sinks: SinkSettings[] = [];
  const around = {
    references: work.references,
    directory: surroundings.directory,
    fault: (path: ValuePath, message: string) => work.fault(path, message),
  };
  for (const [index, sink] of written.audit.sinks.entries())
    sinks.push(await resolveSink(around, sink, index));
  const databaseUrl = await work.connectionUrl(written.database.url, 'database', 'DATABASE_URL');
  const redisUrl = await work.connectionUrl(written.redis.url, 'redis', 'REDIS_URL');
  const allowsPlainListen =
    written.dangerouslyAllowPlainHttpListen ||
    work.variable('FORGEGUARD_DANGEROUSLY_ALLOW_PLAIN_HTTP_LISTEN') === 'true';
  work.checkListening(listen.host, publicUrl, allowsPlainListen || listen.tls !== undefined);

  const sealingKey =
    written.audit.sealingKey &&
    (await work.references.secret(written.audit.sealingKey, ['audit', 'sealingKey']));
  const checkpointStore = await resolveCheckpointStore(work.references, written.audit.checkpointStore);
  const anchors = written.audit.anchor;
  const anchor = anchors && {
    directory: anchors.directory && resolve(surroundings.directory, anchors.directory),
    bucket: anchors.s3 && {
      store: await resolveS3Place(work.references, (name) => ['audit', 'anchor', 's3', name], anchors.s3),
      prefix: anchors.s3.prefix,
      lockDays: anchors.s3.lockDays,
    },
    git:
      anchors.git &&
      (await resolveAnchorGit(
        {
          references: work.references,
          fault: (path, message) => work.fault(path, message),
          directory: surroundings.directory,
        },
        anchors.git,
      )),
    every: anchors.every,
  };
  const stamps = written.audit.timestamp;
  const timestamp = stamps && {
    url: stamps.url.href,
    authorities: (await work.references.certificates(stamps.caFile, ['audit', 'timestamp', 'caFile'])) ?? '',
    policy: stamps.policy,
    every: stamps.every,
  };
  const dataDir = work.dataDir(written.dataDir);
  const { heldDirectory, ...approvals } = written.approvals;
  const config: Config = {
    sandbox: surroundings.file === undefined,
    file: surroundings.file,
    listen,
    publicUrl,
    dataDir,
    database: { url: databaseUrl },
    redis: { url: redisUrl },
    forges,
    people,
    identity: {
      tokens: written.identity.tokens,
      sessions: written.identity.sessions,
      certificates: written.identity.certificates,
      issuers: await resolveIssuers(
        work.references,
        (path, message) => work.fault(path, message),
        written.identity.issuers,
        surroundings.directory,
      ),
    },
    audit: {
      retentionDays: written.audit.retentionDays,
      publicProofs: written.audit.publicProofs,
      sealingKey,
      checkpointStore,
      timestamp,
      anchor,
      sinks,
      witnesses: written.audit.witness.map(({ url, key }) => ({ url: formatBaseUrl(url), key })),
    },
    approvals: {
      ...approvals,
      heldDirectory:
        heldDirectory === undefined ? join(dataDir, 'held') : resolve(surroundings.directory, heldDirectory),
    },
    notifications,
    alerts: written.alerts,
    reports: {
      chromium: written.reports.chromium && resolve(surroundings.directory, written.reports.chromium),
    },
    policyFile:
      written.policyFile === undefined ? undefined : resolve(surroundings.directory, written.policyFile),
    limits: written.limits,
    weakenings: [
      ...weakeningsOf(written.forges),
      ...notificationWeakenings(notifications),
      ...sinkWeakenings(sinks),
      ...anchorWeakenings(anchors),
      ...issuerWeakenings(written.identity.issuers),
      ...(allowsPlainListen && listen.tls === undefined && !isLoopback(listen.host)
        ? [
            `the guard listens on ${listen.host} for plain http: tokens and content can be read on the network`,
          ]
        : []),
    ],
  };
  return { config, problems: work.problems };
}

function weakeningsOf(forges: readonly ForgeDocument[]): readonly string[] {
  return forges.flatMap((forge) => {
    const plain = [forge.url, ...forge.allowRedirectsTo].some(isPlainRemote);
    return [
      ...(plain
        ? [
            `the forge ${forge.name} is reached by plain http: credentials and content can be read on the network`,
          ]
        : []),
      ...(forge.credential.mode === 'passthrough'
        ? [`the forge ${forge.name} gets the clients' own credentials: the guard does not know who acts`]
        : []),
    ];
  });
}

class Resolver {
  readonly problems: Problem[] = [];
  readonly references: ReferenceReader;
  readonly #document: OpenDocument<ConfigDocument>;
  readonly #surroundings: Surroundings;

  constructor(document: OpenDocument<ConfigDocument>, surroundings: Surroundings) {
    this.#document = document;
    this.#surroundings = surroundings;
    const { env, directory } = surroundings;
    this.references = new ReferenceReader(env, directory, (path, message) => this.fault(path, message));
  }

  /** An environment variable; an empty one counts as not set. */
  variable(name: Variable): string | undefined {
    return this.#surroundings.env[name] || undefined;
  }

  listen(written: ConfigDocument['listen']): Config['listen'] {
    const portText = this.variable('PORT');
    const port = portText === undefined ? (written?.port ?? 8080) : parsePort(portText);
    if (port === undefined) this.fault([], 'the environment variable PORT is not a TCP port');
    const host = this.variable('HOST') ?? written?.host ?? '127.0.0.1';
    const more = written !== undefined && 'trustProxy' in written ? written : undefined;
    const file = (name: string): string => resolve(this.#surroundings.directory, name);
    const tls = more?.tls && {
      certFile: file(more.tls.certFile),
      keyFile: file(more.tls.keyFile),
      clientCaFile: more.tls.clientCaFile && file(more.tls.clientCaFile),
      clientCrlFile: more.tls.clientCrlFile && file(more.tls.clientCrlFile),
      clientCertificates: more.tls.clientCertificates,
    };
    const { trustProxy = [], clientCertHeader = false } = more ?? {};
    return { host, port: port ?? 0, trustProxy, clientCertHeader, tls };
  }

  publicUrl(written: URL | undefined): string | undefined {
    const text = this.variable('FORGEGUARD_PUBLIC_URL');
    const url = text === undefined ? written : parseBaseUrl(text);
    if (text !== undefined && url === undefined) {
      this.fault([], 'the environment variable FORGEGUARD_PUBLIC_URL is not an http or https URL');
    }
    if (url !== undefined && url.pathname !== '/') {
      this.fault(['publicUrl'], 'the public URL has no path: the guard serves the root of its host');
    }
    return url && formatBaseUrl(url);
  }

  dataDir(written: string | undefined): string {
    const fromEnvironment = this.variable('FORGEGUARD_DATA_DIR');
    if (fromEnvironment !== undefined) return resolve(fromEnvironment);
    return written === undefined ? resolve('.forgeguard') : resolve(this.#surroundings.directory, written);
  }

  checkListening(host: string, publicUrl: string | undefined, allowsPlain: boolean): void {
    if (isLoopback(host) || publicUrl?.startsWith('https:') === true || allowsPlain) return;
    this.fault(
      ['listen'],
      `listening on ${host} needs TLS in front and a \`publicUrl\` that begins with https, ` +
        'or `dangerouslyAllowPlainHttpListen: true`',
    );
  }

  async connectionUrl(
    written: string | SecretRef | undefined,
    key: 'database' | 'redis',
    variable: Variable,
  ): Promise<Secret | undefined> {
    const fromEnvironment = this.variable(variable);
    if (fromEnvironment !== undefined) return new Secret(fromEnvironment);
    if (written === undefined) return undefined;
    return typeof written === 'string' ? new Secret(written) : this.references.secret(written, [key, 'url']);
  }

  async forge(forge: ForgeDocument, index: number): Promise<ForgeConfig> {
    const ca =
      forge.caFile === undefined
        ? undefined
        : await this.references.certificates(forge.caFile, ['forges', index, 'caFile']);
    return {
      name: forge.name,
      url: formatBaseUrl(forge.url),
      credential: await resolveCredential(
        { references: this.references, fault: (path, message) => this.fault(path, message) },
        forge.credential,
        forge.url,
        ['forges', index, 'credential'],
      ),
      app: forge.app && (await resolveGithubApp(this.references, forge.app, ['forges', index, 'app'])),
      repositories: forge.repositories,
      allowRedirectsTo: forge.allowRedirectsTo.map((url) => url.origin),
      ...(ca === undefined ? {} : { ca }),
    };
  }

  /** Notes a problem at its place. */
  fault(path: ValuePath, message: string): void {
    this.problems.push({ place: this.#document.placeOf(path), message });
  }
}
