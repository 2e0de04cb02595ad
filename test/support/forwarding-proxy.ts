// A TCP hop that can be slow, chop data, cut or swallow it: what networks do between a client and a server.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { drained } from './drained.ts';

export interface NetworkFault {
  /** Milliseconds that each piece is held back, in both directions. */
  readonly latency?: number;
  /** Splits what passes into pieces of at most this many bytes. */
  readonly slice?: number;
  /** Resets the connection after this many bytes in the given direction. */
  readonly cutAfter?: { readonly direction: 'up' | 'down'; readonly bytes: number };
  /** Takes everything and passes nothing on, without closing. */
  readonly blackhole?: boolean;
}

export interface ForwardingProxy extends AsyncDisposable {
  readonly port: number;
  /** Counts since the start; `up` is from client to server. */
  readonly bytes: { readonly up: number; readonly down: number };
  readonly connections: number;
  /** Takes effect for what passes from now on. */
  setFault(fault: NetworkFault): void;
  stop(): Promise<void>;
}

/** Listens on a free port of the loopback and forwards to `target` there. */
export async function startForwardingProxy(target: { readonly port: number }): Promise<ForwardingProxy> {
  let fault: NetworkFault = {};
  let connections = 0;
  const bytes = { up: 0, down: 0 };
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    connections += 1;
    const upstream = connect({ port: target.port, host: '127.0.0.1', allowHalfOpen: true });
    keep(client);
    keep(upstream);
    const cut = (): void => {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    // A side that breaks off, rather than ends, breaks the other.
    pass(client, upstream, 'up').catch(cut);
    pass(upstream, client, 'down').catch(cut);
  });

  const pass = async (from: Socket, to: Socket, direction: 'up' | 'down'): Promise<void> => {
    let passed = 0;
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (const piece of pieces(chunk, fault.slice)) {
        if (fault.latency) await new Promise((resolve) => setTimeout(resolve, fault.latency));
        while (fault.blackhole) await new Promise((resolve) => setTimeout(resolve, 20));
        const cut = fault.cutAfter;
        if (cut?.direction === direction && passed + piece.length > cut.bytes) {
          to.write(piece.subarray(0, cut.bytes - passed));
          throw new Error('cut');
        }
        passed += piece.length;
        bytes[direction] += piece.length;
        if (to.destroyed) return;
        if (!to.write(piece)) await drained(to);
      }
    }
    to.end();
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    fault = {};
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: (server.address() as AddressInfo).port,
    bytes,
    get connections() {
      return connections;
    },
    setFault: (next) => (fault = next),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function* pieces(chunk: Buffer, size: number | undefined): Generator<Buffer> {
  const step = size ?? chunk.length;
  for (let at = 0; at < chunk.length; at += step) yield chunk.subarray(at, at + step);
}
