// Receivers of syslog: one over TLS by Node.js that keeps raw messages and can misbehave, and rsyslog, which parses.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import type { TestCertificates } from './certificates.ts';
import { freePort } from './free-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { until } from './until.ts';

export interface TlsSyslogServer extends AsyncDisposable {
  readonly port: number;
  /** Messages, without their frames, by connection. */
  readonly connections: (readonly string[])[];
  /** All of them. */
  messages(): readonly string[];
  /** Names of the clients that have shown a certificate. */
  readonly clients: string[];
  /** Cuts every connection off. */
  cut(): void;
  /** Where each byte goes as well. */
  forward: ((bytes: Buffer) => void) | undefined;
}

/** Takes octet-counted frames (RFC 5425 §4.3) off the front of `bytes`, by hand. */
function takeFrames(bytes: Buffer, into: string[]): Buffer {
  let rest = bytes;
  for (;;) {
    const space = rest.indexOf(0x20);
    if (space < 0) return rest;
    const head = rest.subarray(0, space).toString('latin1');
    if (!/^[1-9][0-9]{0,9}$/.test(head)) throw new Error(`not a frame: ${head.slice(0, 40)}`);
    const end = space + 1 + Number(head);
    if (rest.length < end) return rest;
    into.push(rest.subarray(space + 1, end).toString('utf8'));
    rest = rest.subarray(end);
  }
}

export async function startTlsSyslog(
  certificates: TestCertificates,
  options: { readonly wantsClient?: boolean } = {},
): Promise<TlsSyslogServer> {
  const sockets = new Set<TLSSocket>();
  const { cert, key, ca } = certificates;
  const wants = options.wantsClient === true;
  const made: TlsSyslogServer = {
    port: 0,
    connections: [],
    messages: () => made.connections.flat(),
    clients: [],
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    forward: undefined,
    [Symbol.asyncDispose]: async () => {
      made.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer({ cert, key, ca, requestCert: wants, rejectUnauthorized: wants }, (socket) => {
    sockets.add(socket);
    if (wants) made.clients.push(String(socket.getPeerCertificate().subject.CN));
    const messages: string[] = [];
    made.connections.push(messages);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      made.forward?.(bytes);
      rest = takeFrames(Buffer.concat([rest, bytes]), messages);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(made, { port: (server.address() as AddressInfo).port });
}

/** A message as rsyslog has understood it. */
export interface ParsedSyslog {
  readonly pri: string;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly id: string;
  readonly text: string;
  readonly all: { readonly 'rfc5424-sd': Readonly<Record<string, Readonly<Record<string, string>>>> };
}

export interface Rsyslog extends AsyncDisposable {
  readonly port: number;
  /** What has arrived so far. */
  parsed(): Promise<readonly ParsedSyslog[]>;
}

/** Starts Debian's rsyslog on TCP at the loopback. */
export async function startRsyslog(): Promise<Rsyslog> {
  const directory = await temporaryDirectory('rsyslog');
  const port = await freePort();
  const out = join(directory.path, 'out');
  const members = {
    pri: 'pri',
    time: 'timereported',
    host: 'hostname',
    app: 'app-name',
    id: 'msgid',
    text: 'msg',
  };
  const fields = Object.entries(members).map(
    ([outname, name]) =>
      `property(name="${name}" outname="${outname}" format="jsonf"${name === 'timereported' ? ' dateFormat="rfc3339"' : ''}) constant(value=",")`,
  );
  const configuration = `
global(workDirectory="${directory.path}" maxMessageSize="128k" parser.escapeControlCharactersOnReceive="off")
module(load="imtcp")
module(load="mmpstrucdata")
template(name="one" type="list") { constant(value="{") ${fields.join(' ')} constant(value="\\"all\\":") property(name="$!") constant(value="}\\n") }
ruleset(name="all") {
  action(type="mmpstrucdata")
  action(type="omfile" file="${out}" template="one" asyncWriting="off" flushOnTXEnd="on")
}
input(type="imtcp" port="${port}" address="127.0.0.1" ruleset="all")
`;
  const file = join(directory.path, 'rsyslog.conf');
  await writeFile(file, configuration);
  const args = ['-n', '-f', file, '-i', join(directory.path, 'pid')];
  const child: ChildProcess = spawn('rsyslogd', args, { stdio: 'ignore' });
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  const listens = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket: Socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  await Promise.race([until('rsyslog listens', listens), failed]);
  return {
    port,
    parsed: async () => {
      const text = await readFile(out, 'utf8').catch(() => '');
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as ParsedSyslog);
    },
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
      await directory.remove();
    },
  };
}
