// The fault proxy in front of a plain echo server.
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startForwardingProxy, type ForwardingProxy } from './forwarding-proxy.ts';

let server: Server;

beforeAll(async () => {
  server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const start = (): Promise<ForwardingProxy> =>
  startForwardingProxy({ port: (server.address() as AddressInfo).port });

/** Sends `text`, ends, and returns what came back until the end or an error. */
function echo(
  port: number,
  text: string,
  deadline = 5000,
): Promise<{ said: string; ended: boolean; pieces: number }> {
  return new Promise((resolve) => {
    let said = '';
    let pieces = 0;
    const socket = connect({ port, host: '127.0.0.1' });
    const done = (ended: boolean): void => {
      resolve({ said, ended, pieces });
      socket.destroy();
    };
    socket.setTimeout(deadline, () => done(false));
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      pieces += 1;
    });
    socket.on('end', () => done(true));
    socket.on('error', () => done(false));
    socket.end(text);
  });
}

test('passes everything on, whole or in slices', async () => {
  await using proxy = await start();
  expect(await echo(proxy.port, 'hello')).toMatchObject({ said: 'hello', ended: true });
  proxy.setFault({ slice: 3, latency: 1 });
  const sliced = await echo(proxy.port, 'x'.repeat(100));
  expect(sliced).toMatchObject({ said: 'x'.repeat(100), ended: true });
  expect(sliced.pieces).toBeGreaterThan(5);
  expect(proxy.bytes).toEqual({ up: 105, down: 105 });
  expect(proxy.connections).toBe(2);
});

test('cuts after the given number of bytes', async () => {
  await using proxy = await start();
  proxy.setFault({ cutAfter: { direction: 'down', bytes: 10 } });
  const cut = await echo(proxy.port, 'y'.repeat(5000));
  expect(cut.ended).toBe(false);
  expect(cut.said.length).toBeLessThanOrEqual(10);
});

test('swallows and then lets through', async () => {
  await using proxy = await start();
  proxy.setFault({ blackhole: true });
  expect(await echo(proxy.port, 'lost', 200)).toMatchObject({ said: '', ended: false });
  proxy.setFault({});
  expect(await echo(proxy.port, 'found')).toMatchObject({ said: 'found' });
});
