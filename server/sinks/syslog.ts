// Sends to a syslog receiver over TLS (RFC 5425), or in the clear over TCP. Syslog has no receipts: that the bytes were
// written says only that they left this program. So after each new connection the last entries are sent again.
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { GuardError } from '../../core/errors.ts';
import type { SyslogSink } from '../config.ts';
import { type Batch, type Delivery, problemOf, type Sink } from './sink.ts';
import { syslogFrame, syslogMessage } from './syslog-message.ts';

const connectMs = 5_000;
/** A new connection counts once it has stood for so long with something written to it. */
const settleMs = 500;
/** Frames of about so many bytes are written at once. */
const chunkBytes = 65_536;

function open(settings: SyslogSink): Socket {
  const { host, port, tls } = settings;
  if (tls === undefined) return connectPlain({ host, port });
  const options: ConnectionOptions = {
    host,
    port,
    minVersion: 'TLSv1.2',
    ...(/^[0-9.]+$|:/.test(host) ? {} : { servername: host }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.client === undefined ? {} : { cert: tls.client.certificate, key: tls.client.key.reveal() }),
  };
  return connectTls(options);
}

/** Waits for the event, the socket's end or the signal. */
async function reached(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
  const over = new AbortController();
  const closed = once(socket, 'close', { signal: over.signal }).then(() => {
    throw new Error('closed');
  });
  try {
    await Promise.race([once(socket, event, { signal: limit }), closed]);
  } finally {
    over.abort();
    closed.catch(() => undefined);
  }
}

function written(socket: Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(new DOMException('too slow', 'TimeoutError'));
  signal.addEventListener('abort', stop, { once: true });
  socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  return promise.finally(() => signal.removeEventListener('abort', stop));
}

/** Opens the sink; the connection is made when it is needed. */
export function createSyslogSink(settings: SyslogSink, log: string): Sink {
  let socket: Socket | undefined;
  let problem = 'closed';
  let isTried = false;

  function drop(): void {
    socket?.destroy();
    socket = undefined;
  }

  async function connect(signal: AbortSignal): Promise<Delivery & { readonly fresh?: boolean }> {
    if (socket !== undefined && socket.readyState === 'open') return { kind: 'taken', fresh: false };
    drop();
    const made = open(settings);
    made.on('error', (error) => (problem = problemOf(error)));
    // A receiver has nothing to say; reading is how its end is noticed.
    made.resume();
    made.setKeepAlive(true, 10_000);
    made.on('end', () => made.destroy());
    try {
      problem = 'closed';
      await reached(made, settings.tls === undefined ? 'connect' : 'secureConnect', signal);
    } catch (thrown) {
      made.destroy();
      const named = problemOf(thrown);
      return {
        kind: 'later',
        problem: named === 'unknown' ? problem : named === 'ABORT_ERR' ? 'timeout' : named,
      };
    }
    socket = made;
    isTried = false;
    return { kind: 'taken', fresh: true };
  }

  async function write({ items }: Batch, signal: AbortSignal): Promise<void> {
    const now = new Date();
    let frames: Buffer[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      if (socket === undefined || socket.readyState !== 'open') throw new Error('closed');
      await written(socket, Buffer.concat(frames), signal);
      frames = [];
      bytes = 0;
    };
    for (const item of items) {
      const frame = syslogFrame(syslogMessage(log, item, settings.style, now));
      frames.push(frame);
      bytes += frame.length;
      if (bytes >= chunkBytes) await flush();
    }
    if (bytes > 0) await flush();
  }

  return {
    connect,
    deliver: async (batch, signal) => {
      try {
        await write(batch, signal);
        // A receiver that hangs up at once, such as over a certificate (TLS 1.3 tells that after the handshake), has
        // taken nothing.
        if (!isTried) await sleep(settleMs, undefined, { signal });
        if (socket?.readyState !== 'open') throw new Error('closed');
        isTried = true;
        return { kind: 'taken' };
      } catch (thrown) {
        drop();
        const named = problemOf(thrown);
        return { kind: 'later', problem: named === 'unknown' ? problem : named };
      }
    },
    probe: async (signal) => {
      const answer = await connect(signal);
      drop();
      if (answer.kind !== 'taken')
        throw new GuardError('sink/failed', `the receiver could not be reached (${answer.problem})`);
      return `${settings.tls === undefined ? 'TCP' : 'TLS'} connection to ${settings.host}:${settings.port}`;
    },
    [Symbol.asyncDispose]: async () => {
      if (socket === undefined) return;
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      socket.end();
      await closed;
      drop();
    },
  };
}
