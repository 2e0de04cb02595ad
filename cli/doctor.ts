// `forgeguard doctor`: checks that the guard can work here, one line a check, each with what to do about it.
import process from 'node:process';
import type { Command } from 'commander';
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import { environment, loadConfig } from '../server/config.ts';
import { configSchema } from '../server/config-schema.ts';
import type { Config } from '../server/config.ts';
import {
  checkConfig,
  checkDatabase,
  checkDataDir,
  checkForge,
  checkGit,
  checkNode,
  checkPolicy,
} from './doctor-checks.ts';
import type { Finding } from './doctor-checks.ts';
import { checkCredential } from './doctor-credential.ts';
import { checkNotification } from './doctor-notifications.ts';
import { checkRedis } from './doctor-redis.ts';
import { checkSink } from './doctor-sinks.ts';

interface Flags {
  readonly config?: string;
  readonly schema?: boolean;
  readonly notify?: boolean;
}

const labels = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

async function examine({ config: configFile, notify }: Flags): Promise<readonly Finding[]> {
  const machine = [checkNode(process.versions.node), await checkGit()];
  let config: Config;
  try {
    config = await loadConfig({ file: configFile, env: environment() });
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    return [...machine, { grade: 'fail', what: 'configuration', saw: error.message, remedy: error.remedy }];
  }
  return [
    ...machine,
    ...checkConfig(config),
    await checkDataDir(config.dataDir),
    await checkPolicy(config.policyFile),
    await checkDatabase(config),
    ...(await checkRedis(config)),
    ...(await Promise.all(config.forges.map(checkForge))),
    ...(await Promise.all(config.audit.sinks.map(checkSink))),
    ...(await Promise.all(config.forges.map(checkCredential))).flat(),
    ...(notify === true ? await Promise.all(config.notifications.map(checkNotification)) : []),
  ];
}

async function doctor(flags: Flags): Promise<void> {
  if (flags.schema === true) {
    const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
    process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
    return;
  }
  const findings = await examine(flags);
  for (const { grade, what, saw, remedy } of findings) {
    const advice = remedy === undefined ? '' : `\n      ${remedy}`;
    process.stdout.write(`${labels[grade]}  ${what}: ${saw}${advice}\n`);
  }
  if (findings.some(({ grade }) => grade === 'fail')) process.exitCode = 1;
}

/** Adds `doctor` to the program. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check that the guard can work here')
    .option('-c, --config <file>', 'configuration file')
    .option('--notify', 'send a test message to every receiver of notifications, too')
    .option('--schema', 'print the JSON Schema of forgeguard.yaml instead')
    .action(doctor);
}
