// A guard that can be made to die: the entry of a child process, started on a configuration like `forgeguard serve`.
// Arguments: the configuration, and a file that names the step of the walk of a push at which the process kills itself.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { loadConfig } from '../../server/config.ts';
import { startGuard } from '../../server/main.ts';

const [file, deadlyStepFile = ''] = process.argv.slice(2);
const config = await loadConfig({ file, env: { ...process.env } });
const guard = await startGuard(config, {
  log: process.stderr,
  observe: (step) => {
    if (step === readFileSync(deadlyStepFile, 'utf8')) process.kill(process.pid, 'SIGKILL');
  },
});
process.once('SIGTERM', () => {
  guard[Symbol.asyncDispose]().then(undefined, () => process.exit(1));
});
