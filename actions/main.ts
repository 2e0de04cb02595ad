// Where the runner starts the Action, and where its scanning threads start: the bundle is one file for both.
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { runScanThread } from '../workcopy/scan-thread.ts';
import { runnerEnvironment } from './environment.ts';
import { failRun } from './failure.ts';
import { exitCodes, runAction } from './run.ts';

if (isMainThread) process.exitCode = await main();
else await runScanThread();

async function main(): Promise<number> {
  const env = runnerEnvironment();
  const write = (text: string): void => void process.stdout.write(text);
  try {
    const workspace = env['GITHUB_WORKSPACE'];
    if (workspace !== undefined) process.chdir(workspace);
    return await runAction({ env, write, workerFile: new URL(import.meta.url), now: () => new Date() });
  } catch (error) {
    await failRun({ env, write }, error);
    return exitCodes.incomplete;
  }
}
