// Loaded into a guard that a test starts (`node --import`): looks for credentials of upstreams in everything that the guard
// answers, as it leaves, and in the arguments and environment of every program it starts. Changes nothing.
import { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { holdsUpstreamSecret, longestForm, noteLeak } from './upstream-secret.ts';

type Write = (...call: readonly unknown[]) => unknown;
interface Sender {
  write: Write;
  end: Write;
}

/** Looks through what is sent, together with the end of what was sent before. Only texts, where headers are meant. */
function tap(sender: Sender, place: string, onlyTexts: boolean): void {
  let before = '';
  const look = ([chunk]: readonly unknown[]): void => {
    const isText = typeof chunk === 'string';
    if (!isText && (onlyTexts || !(chunk instanceof Uint8Array))) return;
    const text = isText ? chunk : Buffer.from(chunk).toString('latin1');
    if (holdsUpstreamSecret(before + text)) noteLeak(place);
    before = (before + text).slice(-longestForm);
  };
  for (const name of ['write', 'end'] as const) {
    const send = sender[name].bind(sender);
    sender[name] = (...call) => {
      look(call);
      return send(...call);
    };
  }
}

const tapped = new WeakSet<Sender>();

subscribe('http.server.request.start', (message) => {
  const { request, response, socket } = message as {
    readonly request: IncomingMessage;
    readonly response: Sender;
    readonly socket: Sender;
  };
  const place = `an answer of the guard to ${request.method ?? ''} ${request.url ?? ''}`;
  tap(response, place, false);
  // Headers are texts that go to the socket directly; one connection serves many requests.
  if (!tapped.has(socket)) tap(socket, `${place}, or to a later one on its connection`, true);
  tapped.add(socket);
});

interface SpawnOptions {
  readonly file?: string;
  readonly args?: readonly string[];
  readonly envPairs?: readonly string[];
}

interface Spawns {
  spawn: (this: ChildProcess, options: SpawnOptions) => unknown;
}

const starter = ChildProcess.prototype as unknown as Spawns;
const { spawn } = starter;
/** What the guard was given by its environment is in it already, and goes to the program of a secret by intention. */
const given = new Set(Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`));
starter.spawn = function watched(options) {
  const name = options.file ?? 'a program';
  if (holdsUpstreamSecret((options.args ?? []).join('\n'))) noteLeak(`the arguments of ${name}`);
  const added = (options.envPairs ?? []).filter((pair) => !given.has(pair));
  if (holdsUpstreamSecret(added.join('\n'))) noteLeak(`the environment of ${name}`);
  const result = spawn.call(this, options);
  // Git is started by a small process, which is told by messages what to start.
  if (typeof this.send === 'function') {
    const send = this.send.bind(this) as (...call: readonly unknown[]) => boolean;
    this.send = (...call: readonly unknown[]) => {
      if (holdsUpstreamSecret(JSON.stringify(call[0]) ?? '')) noteLeak('what git is started with');
      return send(...call);
    };
  }
  return result;
};
