// The checks of `forgeguard doctor`. Each answers within seconds and never rejects for what it is there to find.
import { access, mkdtemp, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Agent, request } from 'undici';
import { defaultPolicy } from '../core/default-policy.ts';
import { GuardError } from '../core/errors.ts';
import { adviseOn } from '../core/policy/advice.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import type { Config, ForgeConfig } from '../server/config.ts';
import { runGit } from '../server/git/process.ts';
import { readPolicyFile } from '../server/policy-file.ts';
import { isOldNode, oldestNode } from './node-version.ts';

export interface Finding {
  readonly grade: 'ok' | 'warn' | 'fail';
  readonly what: string;
  readonly saw: string;
  readonly remedy?: string;
}

const patienceMs = 10_000;
const oldestGit = [2, 36] as const;

/** Node.js is new enough for the guard's code. */
export function checkNode(version: string): Finding {
  const what = 'Node.js';
  return isOldNode(version)
    ? { grade: 'fail', what, saw: version, remedy: `Use Node.js ${oldestNode} or newer.` }
    : { grade: 'ok', what, saw: version };
}

/** Git 2.36 or newer does what the guard asks of it. */
export async function checkGit(): Promise<Finding> {
  const what = 'git';
  const needed = oldestGit.join('.');
  try {
    const result = await runGit(['--version'], { cwd: tmpdir(), signal: AbortSignal.timeout(patienceMs) });
    const text = Buffer.from(result.stdout).toString('latin1').trim();
    const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? [];
    const isEnough =
      Number(major) > oldestGit[0] || (Number(major) === oldestGit[0] && Number(minor) >= oldestGit[1]);
    if (isEnough) return { grade: 'ok', what, saw: text };
    return { grade: 'fail', what, saw: text, remedy: `Install git ${needed} or newer.` };
  } catch (error) {
    return { grade: 'fail', what, saw: messageOf(error), remedy: `Install git ${needed} or newer.` };
  }
}

/** Where the configuration came from and what it weakens. */
export function checkConfig(config: Config): readonly Finding[] {
  const saw = config.file ?? 'none: the guard would start its sandbox';
  return [
    { grade: 'ok', what: 'configuration', saw },
    ...config.weakenings.map((text): Finding => ({
      grade: 'warn',
      what: 'weakened',
      saw: text,
      remedy: 'Remove the setting unless this is meant.',
    })),
  ];
}

/** The data directory, or where it will be made, can be written and is nobody else's to read. */
export async function checkDataDir(path: string): Promise<Finding> {
  const what = 'data directory';
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => undefined,
  );
  let written = path;
  while (!(await exists(written)) && dirname(written) !== written) written = dirname(written);
  // Trying is the only honest test: for root and on special file systems the modes say nothing.
  const isWritable = await mkdtemp(join(written, '.forgeguard-doctor-')).then(
    (made) => rmdir(made).then(() => true),
    () => false,
  );
  if (!isWritable) {
    return {
      grade: 'fail',
      what,
      saw: `${written} cannot be written`,
      remedy: 'Set dataDir to a directory of its own.',
    };
  }
  if (mode === undefined) return { grade: 'ok', what, saw: `${path} will be made` };
  if ((mode & 0o066) !== 0) {
    const remedy = `Close it to others: chmod 700 ${path}`;
    return { grade: 'warn', what, saw: `${path} has mode ${mode.toString(8)}`, remedy };
  }
  return { grade: 'ok', what, saw: path };
}

/** The policy can be read, and does what a policy is there for. */
export async function checkPolicy(file: string | undefined): Promise<Finding> {
  const what = 'policy';
  try {
    const policy = file === undefined ? defaultPolicy() : await readPolicyFile(file);
    const saw = `${file ?? 'the default policy'}, ${policy.rules.length} rules`;
    const advice = adviseOn(policy, new Date());
    return advice.length === 0
      ? { grade: 'ok', what, saw }
      : { grade: 'warn', what, saw, remedy: advice.join('; ') };
  } catch (error) {
    return failure(what, error);
  }
}

/** The configured database answers; the guard's own is looked at only where it exists. */
export async function checkDatabase(config: Config): Promise<Finding> {
  const what = 'database';
  if (config.database.url === undefined && !(await exists(join(config.dataDir, 'postgres')))) {
    return { grade: 'ok', what, saw: 'the guard will make its own at the first start' };
  }
  try {
    const [row] = await withConfiguredDatabase(
      config,
      (database) =>
        database.query<{ version: string }>(`select current_setting('server_version') as version`),
      { migrate: false },
    );
    return { grade: 'ok', what, saw: `PostgreSQL ${row?.version ?? ''}` };
  } catch (error) {
    return failure(what, error);
  }
}

/** The forge answers HTTP; whether a repository exists there is not asked. */
export async function checkForge(forge: ForgeConfig): Promise<Finding> {
  const what = `forge ${forge.name}`;
  const remedy = `Check forges[].url (${forge.url}), the network and the certificate.`;
  const dispatcher = new Agent(forge.ca === undefined ? {} : { connect: { ca: forge.ca } });
  try {
    const answer = await request(`${forge.url}/forgeguard-doctor.git/info/refs?service=git-upload-pack`, {
      dispatcher,
      headersTimeout: patienceMs,
      bodyTimeout: patienceMs,
      signal: AbortSignal.timeout(patienceMs),
    });
    await answer.body.dump({ limit: 65_536 });
    const saw = `answers ${answer.statusCode}`;
    return answer.statusCode < 500 ? { grade: 'ok', what, saw } : { grade: 'fail', what, saw, remedy };
  } catch (error) {
    return { grade: 'fail', what, saw: messageOf(error), remedy };
  } finally {
    await dispatcher.destroy();
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function failure(what: string, error: unknown): Finding {
  return error instanceof GuardError
    ? { grade: 'fail', what, saw: error.message, remedy: error.remedy }
    : { grade: 'fail', what, saw: messageOf(error) };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
