// From a checked entry of `audit.sinks` to the sink in force: secrets, keys and certificates read.
import { createPrivateKey } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { ValuePath } from '../core/yaml.ts';
import { isLoopback, isPlainRemote } from './address.ts';
import type { ReferenceReader } from './config-references.ts';
import { parseHookUrl } from './notification-address.ts';
import type { SinkDocument } from './sink-schema.ts';
import type {
  BucketSink,
  ClientCertificate,
  HttpSink,
  SinkPace,
  SinkSettings,
  SyslogSink,
} from './sink-types.ts';
import { resolveS3Place } from './s3-schema.ts';
import { Secret } from './secret.ts';

type Fault = (path: ValuePath, message: string) => void;
type Written<Kind extends SinkDocument['kind']> = SinkDocument & { readonly kind: Kind };

/** What a sink is resolved with: where relative names begin, and where problems go. */
export interface SinkSurroundings {
  readonly references: ReferenceReader;
  readonly directory: string;
  readonly fault: Fault;
}

const batchBytes = 2 ** 20;
const objectBytes = 4 * 2 ** 20;
const usual = { maxEntries: 500, maxBytes: batchBytes, lingerMs: 0, keepsBatches: false, resend: 0 };

class SinkResolver {
  readonly #around: SinkSurroundings;
  readonly #at: (key: string, ...more: readonly string[]) => ValuePath;

  constructor(around: SinkSurroundings, index: number) {
    this.#around = around;
    this.#at = (...keys) => ['audit', 'sinks', index, ...keys];
  }

  async #ca(file: string | undefined): Promise<string | undefined> {
    return file === undefined ? undefined : this.#around.references.certificates(file, this.#at('caFile'));
  }

  async #client(written: Written<'syslog' | 'http'>['client']): Promise<ClientCertificate | undefined> {
    if (written === undefined || 'env' in written.key) return undefined;
    const { references, fault } = this.#around;
    const certificate = await references.certificates(
      written.certificateFile,
      this.#at('client', 'certificateFile'),
    );
    const key = await references.privateKey(written.key.file, this.#at('client', 'key'));
    if (certificate === undefined || key === undefined) return undefined;
    try {
      createPrivateKey(key.reveal());
    } catch {
      fault(this.#at('client', 'key'), 'the file does not hold a private key in PEM without a password');
    }
    return { certificate, key };
  }

  async syslog(written: Written<'syslog'>, common: Common): Promise<SyslogSink> {
    const { host, port, format, facility, enterpriseNumber, maxMessageBytes, resend } = written;
    const tls = written.plainTcp
      ? undefined
      : { ca: await this.#ca(written.caFile), client: await this.#client(written.client) };
    const style = {
      facility,
      enterpriseNumber,
      host: written.hostName ?? hostname(),
      format,
      maxMessageBytes,
    };
    // What one connection may lose is within what the next one sends again.
    const maxEntries = resend === 0 ? usual.maxEntries : Math.min(usual.maxEntries, Math.ceil(resend / 2));
    const pace = { ...usual, maxEntries, checkpointMs: written.checkpointEvery * 1000, resend };
    return { kind: 'syslog', ...common, host, port, tls, style, pace };
  }

  async http(written: Written<'http'>, common: Common): Promise<HttpSink> {
    const { references, fault } = this.#around;
    const url =
      typeof written.url === 'string'
        ? new Secret(written.url)
        : await references.secret(written.url, this.#at('url'));
    const parsed = parseHookUrl(url.reveal());
    if (url.reveal() !== '' && parsed === undefined)
      fault(this.#at('url'), 'the secret is not an http or https URL without user name and fragment');
    else if (parsed !== undefined && isPlainRemote(parsed) && !written.dangerouslyAllowPlainHttp)
      fault(this.#at('url'), 'http to another machine is refused');
    const headers: { name: string; value: Secret }[] = [];
    for (const { name, value } of written.headers)
      headers.push({ name, value: await references.secret(value, this.#at('headers')) });
    if (written.token !== undefined) {
      const token = await references.secret(written.token, this.#at('token'));
      headers.push({ name: 'authorization', value: new Secret(`Bearer ${token.reveal()}`) });
    }
    const ca = await this.#ca(written.caFile);
    const client = await this.#client(written.client);
    return {
      kind: 'http',
      ...common,
      url,
      format: written.format,
      headers,
      pace: { ...usual, maxEntries: written.batchEntries, checkpointMs: written.checkpointEvery * 1000 },
      ...(ca === undefined ? {} : { ca }),
      ...(client === undefined ? {} : { client }),
    };
  }

  async s3(written: Written<'s3'>, common: Common): Promise<BucketSink> {
    const { references } = this.#around;
    const store = await resolveS3Place(references, (name) => this.#at(name), written);
    const pace: SinkPace = {
      maxEntries: written.batchEntries,
      maxBytes: objectBytes,
      lingerMs: written.every * 1000,
      checkpointMs: 0,
      keepsBatches: true,
      resend: 0,
    };
    return { kind: 's3', ...common, store, prefix: written.prefix, lock: written.objectLock, pace };
  }
}

type Common = Pick<SinkSettings, 'name' | 'filter' | 'from'>;

/** One sink, with its problems told to `fault`. */
export function resolveSink(
  around: SinkSurroundings,
  written: SinkDocument,
  index: number,
): Promise<SinkSettings> | SinkSettings {
  const work = new SinkResolver(around, index);
  const common: Common = { name: written.name, filter: written.filter, from: written.from };
  switch (written.kind) {
    case 'syslog':
      return work.syslog(written, common);
    case 'http':
      return work.http(written, common);
    case 's3':
      return work.s3(written, common);
    case 'file': {
      const pace = { ...usual, checkpointMs: written.checkpointEvery * 1000 };
      return { kind: 'file', ...common, path: resolve(around.directory, written.path), pace };
    }
    case 'stdout':
      return { kind: 'stdout', ...common, pace: { ...usual, checkpointMs: written.checkpointEvery * 1000 } };
  }
}

function isPlain(sink: SinkSettings): boolean {
  switch (sink.kind) {
    case 'syslog':
      return sink.tls === undefined && !isLoopback(sink.host);
    case 'http': {
      const url = parseHookUrl(sink.url.reveal());
      return url !== undefined && isPlainRemote(url);
    }
    case 's3':
      return sink.store.endpoint !== undefined && isPlainRemote(new URL(sink.store.endpoint));
    case 'file':
    case 'stdout':
      return false;
  }
}

/** A sentence for each sink that is sent to in the clear. */
export function sinkWeakenings(sinks: readonly SinkSettings[]): readonly string[] {
  return sinks
    .filter(isPlain)
    .map(({ name }) => `the audit log is sent to ${name} in the clear: it can be read on the network`);
}
