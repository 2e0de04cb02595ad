// The options by which a command finds a guard.
import type { Command } from 'commander';

/** Adds them; the sandbox's own token is taken beside a sandbox. */
export function guardOptions(command: Command): Command {
  return command
    .option('--url <url>', 'URL of the guard; else FORGEGUARD_URL, else the sandbox that runs here')
    .option('--token-file <file>', 'file with your guard token; else FORGEGUARD_TOKEN, else the sandbox’s')
    .option('-c, --config <file>', 'configuration file, to find the sandbox by')
    .option('--dangerously-allow-plain-http', 'send the token over http to another machine');
}
