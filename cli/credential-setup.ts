// `forgeguard credential setup`: writes into Git's configuration that the guard is asked with this helper, and says so.
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { GuardError } from '../core/errors.ts';
import { startChild } from './child-process.ts';
import { type CredentialFlags, readGuardUrl } from './credential-settings.ts';
import { readSourceName } from './token-sources.ts';

export interface SetupFlags extends CredentialFlags {
  readonly local?: true;
  readonly remove?: true;
}

const longestOutput = 65_536;
/** `git config` ends with 5 where what is to be removed is not there. */
const notThere = 5;

/** Writes to the user's configuration, or with `local` to that of the repository here. */
export async function setUp(url: string, flags: SetupFlags): Promise<void> {
  const guard = readGuardUrl(url, flags);
  if (flags.source !== undefined) readSourceName(flags.source);
  const scope = flags.local === true ? '--local' : '--global';
  const section = `credential.${guard.origin}`;
  for (const key of ['helper', 'useHttpPath'])
    await git(['config', scope, '--unset-all', `${section}.${key}`], [0, notThere]);
  if (flags.remove === true) {
    tell(
      `removed from Git's configuration (${scope.slice(2)}): ${section}.helper and ${section}.useHttpPath`,
    );
    return;
  }
  const helper = helperCommand(guard, flags);
  // The empty one comes first: no helper of a wider configuration sees or keeps the guard's tokens.
  await git(['config', scope, '--add', `${section}.helper`, ''], [0]);
  await git(['config', scope, '--add', `${section}.helper`, helper], [0]);
  await git(['config', scope, `${section}.useHttpPath`, 'true'], [0]);
  tell(`written to Git's configuration (${scope.slice(2)}):`);
  tell(`  ${section}.helper = ${helper}`);
  tell(`  ${section}.useHttpPath = true`);
  tell(
    `git asks forgeguard for a session token for each repository at ${guard.origin}; \`forgeguard credential`,
  );
  tell(`status --guard ${guard.origin}\` says whose.`);
}

/** A shell reads it, as Git does with what begins with an exclamation mark. */
function helperCommand(guard: URL, flags: SetupFlags): string {
  const launcher = fileURLToPath(new URL('./launcher.js', import.meta.url));
  const options = Object.entries({
    '--guard': guard.origin,
    '--source': flags.source,
    '--audience': flags.audience,
    '--token-file': flags.tokenFile,
    '--token-variable': flags.tokenVariable,
    '--ca-file': flags.caFile,
    '--agent': flags.agent,
    '--scope': flags.scope,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  const weak = flags.dangerouslyAllowPlainHttp === true ? ['--dangerously-allow-plain-http'] : [];
  return `!${[process.execPath, launcher, 'credential', ...options, ...weak].map(quoted).join(' ')}`;
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

async function git(args: readonly string[], good: readonly number[]): Promise<void> {
  const child = startChild('git', args);
  child.stdout.resume();
  let said = '';
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (said = (said + text).slice(0, longestOutput)));
  const ending = await child.ended;
  if (ending.kind === 'code' && good.includes(ending.code)) return;
  const why = ending.kind === 'not-started' ? `couldn't start git (${ending.reason})` : said.trim();
  throw new GuardError('input/invalid', `couldn't change Git's configuration: ${why}`);
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
