// The configuration: `forgeguard.yaml` and a few environment variables, read once at the start, checked and frozen.
// The only place that reads the process's environment. The file is the operator's and is trusted; its secrets are
// references, resolved here into `Secret`.
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { openDocument, invalidDocument } from '../core/document.ts';
import type { OpenDocument } from '../core/document.ts';
import { GuardError } from '../core/errors.ts';
import { readBoundedFile } from './bounded-file.ts';
import { resolveConfig } from './config-resolve.ts';
import { configSchema } from './config-schema.ts';
import type { ConfigDocument } from './config-schema.ts';
import type { Config, Environment } from './config-types.ts';

export type { Config, Environment, ForgeConfig } from './config-types.ts';
export type { Limits } from './limits.ts';
export type {
  AlertSettings,
  EmailChannel,
  NotificationChannel,
  SlackChannel,
  WebhookChannel,
} from './notification-types.ts';
export type { BucketSink, FileSink, HttpFormat, HttpSink, SinkSettings, SyslogSink } from './sink-types.ts';
export { Secret } from './secret.ts';

/** The process's environment, for the one call of `loadConfig` in the entry point. */
export function environment(): Environment {
  return { ...process.env };
}

const longestFile = 1_048_576;
const standardFile = 'forgeguard.yaml';

/**
 * Reads the configuration from `file`, else from FORGEGUARD_CONFIG, else from ./forgeguard.yaml if there is one, else
 * makes the sandbox's. Rejects with `config/invalid` with every problem found, or with `config/unreadable`.
 */
export async function loadConfig(options: {
  readonly file?: string | undefined;
  readonly env: Environment;
}): Promise<Config> {
  const named = options.file ?? (options.env['FORGEGUARD_CONFIG'] || undefined);
  const file = resolve(named ?? standardFile);
  const text = await readConfigText(file, named !== undefined);
  const name = text === undefined ? 'the environment' : (named ?? standardFile);
  const document: OpenDocument<ConfigDocument> = openDocument(configSchema, text ?? '{}', {
    name,
    code: 'config/invalid',
  });
  const { config, problems } = await resolveConfig(document, {
    env: options.env,
    file: text === undefined ? undefined : file,
    directory: text === undefined ? process.cwd() : dirname(file),
  });
  if (problems.length > 0) throw invalidDocument({ name, code: 'config/invalid' }, problems);
  return deepFreeze(config);
}

async function readConfigText(file: string, isNamed: boolean): Promise<string | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readBoundedFile(file, longestFile);
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isAbsent && !isNamed) return undefined;
    throw new GuardError('config/unreadable', `couldn't read the configuration ${file}`, { cause: error });
  }
  if (bytes !== undefined) return bytes.toString('utf8');
  throw new GuardError('config/invalid', `the configuration ${file} is larger than ${longestFile} bytes`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
