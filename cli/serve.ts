// `forgeguard serve`: runs the guard until it is told to stop.
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { environment, loadConfig } from '../server/config.ts';
import { startGuard } from '../server/main.ts';
import { sandboxWelcome } from '../server/sandbox.ts';
import { stopSignal } from './stop-signal.ts';

/** Adds the command. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .summary('start the guard')
    .description('Start the guard. Without a configuration it makes a sandbox and prints what to paste.')
    .option('-c, --config <file>', 'configuration file (default: forgeguard.yaml, where there is one)')
    .action(async (flags: { readonly config?: string }) => serve(flags.config));
}

async function serve(file: string | undefined): Promise<void> {
  keepYoungGenerationSmall();
  const stopped = stopSignal();
  const config = await loadConfig({ file, env: environment() });
  await using guard = await startGuard(config, { log: process.stderr });
  for (const line of config.weakenings) process.stderr.write(`forgeguard: ${line}\n`);
  if (guard.app.settled > 0)
    process.stderr.write(`forgeguard: ${guard.app.settled} unfinished pushes were settled\n`);
  const words =
    guard.sandbox === undefined
      ? `Forgeguard is ready at ${guard.url}\n`
      : sandboxWelcome(guard.sandbox, config.dataDir, [process.execPath, ...process.argv.slice(1, 2)]);
  process.stdout.write(words);
  if (guard.app.administratorLink !== undefined)
    process.stdout.write(`
Nobody administers this guard yet. Whoever opens this link and signs in becomes its administrator;
it works once, and for an hour:

  ${guard.app.administratorLink}

`);
  await stopped;
  process.stdout.write('Stopping.\n');
}

/**
 * What a push leaves behind is mostly buffers, which V8 sees as a few bytes each: with a young generation that grows to
 * its default 64 MB they wait for a collection that hardly ever comes. Holds for threads that are started later, too.
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
