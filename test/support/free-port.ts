// A port of the loopback for a server that is started later, or again. Not one that the kernel gives out by itself: any
// connection may have taken that one meanwhile. Workers of a run that go on at once have ranges of their own.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the usual range of ports that connections are given (Linux: 32768 to 60999). */
const first = 10_000;
const perWorker = 2_500;
const mostWorkers = 9;

const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % mostWorkers;
let next = randomInt(perWorker);

/** A TCP port that nobody listens on, and that this process has not been given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < perWorker; tries += 1) {
    const port = first + worker * perWorker + next;
    next = (next + 1) % perWorker;
    if (await isFree(port)) return port;
  }
  throw new Error('no port is free');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
