// `forgeguard audit hold`: entries that must be kept beyond their time.
import { userInfo } from 'node:os';
import process from 'node:process';
import type { Command } from 'commander';
import { addHold, releaseHold, scopeTexts } from '../server/audit/retention/hold.ts';
import { readHolds } from '../server/audit/retention/store.ts';
import type { SingleAppendOptions } from '../server/audit/single-append.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { auditConfig, readTime } from './audit-source.ts';
import { printable } from './printable.ts';

interface HoldFlags {
  readonly config?: string;
  readonly reason: string;
}

interface AddFlags extends HoldFlags {
  readonly from?: string;
  readonly to?: string;
  readonly agent?: string;
  readonly repository?: string;
}

const person = (): string => `local:${userInfo().username}`;

async function onLog<T>(
  file: string | undefined,
  work: (options: SingleAppendOptions) => Promise<T>,
): Promise<T> {
  const config = await auditConfig(file);
  return withConfiguredDatabase(
    config,
    (database) => work({ database, dataDir: config.dataDir, clock: { now: () => new Date() } }),
    { migrate: false },
  );
}

async function add({ config, reason, from, to, agent, repository }: AddFlags): Promise<void> {
  const scope = { from: readTime('--from', from), to: readTime('--to', to), agent, repository };
  const id = await onLog(config, (options) => addHold(options, { scope, reason, person: person() }));
  process.stdout.write(`${id}\n`);
}

async function release(id: string, { config, reason }: HoldFlags): Promise<void> {
  await onLog(config, (options) => releaseHold(options, { id, reason, person: person() }));
}

async function list({ config }: Pick<HoldFlags, 'config'>): Promise<void> {
  const holds = await onLog(config, ({ database }) => readHolds(database));
  for (const hold of holds) {
    const scope = Object.entries(scopeTexts(hold)).map(([name, text]) => `${name} ${text}`);
    const state =
      hold.released === null
        ? 'in force'
        : `released ${hold.released.at.toISOString()} by ${hold.released.person}: ${hold.released.reason}`;
    const line = [
      hold.id,
      hold.addedAt.toISOString(),
      hold.person,
      scope.length === 0 ? 'everything' : scope.join(', '),
      hold.reason,
      state,
    ];
    process.stdout.write(`${line.map(printable).join('  ')}\n`);
  }
}

/** Adds `hold` and what stands below it. */
export function registerHold(audit: Command): void {
  const hold = audit.command('hold').description('keep entries beyond their time, for a reason');
  hold
    .command('add')
    .description('put a hold into force; without a scope it is about everything. Prints its id')
    .requiredOption('--reason <text>', 'why')
    .option('--from <time>', 'first day (UTC) or time of the entries')
    .option('--to <time>', 'day or time before which they end')
    .option('--agent <id>', 'who acted, or on whose behalf')
    .option('--repository <name>', 'as <forge>/<owner>/<repo>')
    .option('--config <file>', 'configuration file')
    .action(add);
  hold
    .command('release <id>')
    .description('end a hold')
    .requiredOption('--reason <text>', 'why')
    .option('--config <file>', 'configuration file')
    .action(release);
  hold
    .command('list')
    .description('show all holds, oldest first')
    .option('--config <file>', 'configuration file')
    .action(list);
}
