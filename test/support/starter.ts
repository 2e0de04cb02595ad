// A process that starts programs for the test that started it, and ends with it. It is small: forking copies page tables,
// which costs a test process of some hundred megabytes more than most of the programs it runs.
import { spawn } from 'node:child_process';
import { killGroup } from './process-group.ts';
import type { StartAnswer, StartRequest } from './starter-messages.ts';

const running = new Set<number>();

function start({ id, command, args, cwd, env, input, deadline }: StartRequest): void {
  const started = performance.now();
  const child = spawn(command, args, { cwd, env, stdio: 'pipe', detached: true });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  // The whole group: git's transport helpers hold the pipes open when only git itself is killed.
  const timer = setTimeout(() => killGroup(pid), deadline);
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // A program that ends before it read its input closes the pipe; its exit code says the rest.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const finish = (answer: StartAnswer): void => {
    clearTimeout(timer);
    if (pid !== undefined) running.delete(pid);
    if (process.connected) process.send?.(answer);
  };
  child.on('error', (error) => finish({ id, problem: error.message }));
  child.on('close', (code, signal) => {
    if (pid === undefined) return;
    const seconds = (performance.now() - started) / 1000;
    finish({ id, code, signal, stdout: Buffer.concat(out), stderr: Buffer.concat(err), seconds });
  });
}

process.on('message', start);
process.on('disconnect', () => {
  for (const pid of running) killGroup(pid);
  process.exit(0);
});
// A terminal sends its signals to all; the test process says when this one ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
