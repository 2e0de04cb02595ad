// A real redis-server of its own: appends to its log, keeps its data over a stop, listens on one port all the time.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  /** Starts it and waits until it answers. */
  start(): Promise<void>;
  /** Kills it at once. */
  stop(): Promise<void>;
  /** Sends one command on a connection of its own. */
  send(command: string, ...values: readonly (string | number)[]): Promise<unknown>;
}

export interface TestRedisOptions {
  /** False leaves it stopped. Default: started. */
  readonly started?: boolean;
  readonly policy?: 'noeviction' | 'allkeys-lru';
}

/** Makes a server; where redis-server is not installed this rejects and says so. */
export async function testRedis({
  started = true,
  policy = 'noeviction',
}: TestRedisOptions = {}): Promise<TestRedis> {
  const directory = await temporaryDirectory('redis');
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;

  const send: TestRedis['send'] = async (command, ...values) => {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.call(command, ...values);
    } finally {
      client.disconnect();
    }
  };

  const start = async (): Promise<void> => {
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      directory.path,
      '--appendonly',
      'yes',
    ];
    const more = ['--appendfsync', 'everysec', '--maxmemory-policy', policy, '--save', ''];
    const server = spawn('redis-server', [...args, ...more], { stdio: 'ignore' });
    const failed = once(server, 'error').then(([error]) => {
      throw new Error('redis-server cannot be started; install the Debian package redis-server', {
        cause: error,
      });
    });
    child = server;
    await Promise.race([once(server, 'spawn'), failed]);
    failed.catch(() => undefined);
    for (let tries = 0; tries < 1_200; tries += 1) {
      const answer = await send('ping').catch(() => undefined);
      if (answer === 'PONG') return;
      await sleep(25);
    }
    throw new Error('redis-server does not answer');
  };

  const stop = async (): Promise<void> => {
    const server = child;
    child = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };

  const redis: TestRedis = {
    url,
    start,
    stop,
    send,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await directory.remove();
    },
  };
  if (started) await start();
  return redis;
}
