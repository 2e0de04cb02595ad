// Starts Git children for the guard and nothing else. A process of its own because it is small: forking copies page
// tables, which stops a large process for many milliseconds. It ends, and ends its children, with the guard.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { killGroup, ownGroup } from './process-group.ts';
import type { FromSpawner, ToSpawner } from './spawn-messages.ts';

const children = new Map<number, ChildProcess>();

function send(message: FromSpawner): void {
  if (process.connected) process.send?.(message);
}

async function start(request: Extract<ToSpawner, { kind: 'spawn' }>): Promise<void> {
  const { id, command } = request;
  const sockets: Socket[] = [];
  try {
    sockets.push(...(await Promise.all(request.names.map((name) => open(request.socket, name)))));
    const child = spawn('git', [...command.args], {
      cwd: command.cwd,
      env: { ...command.env },
      stdio: sockets,
      shell: false,
      ...ownGroup,
    });
    children.set(id, child);
    child.once('exit', (code, signal) => {
      children.delete(id);
      send({ kind: 'ended', id, end: { code, signal } });
    });
    await once(child, 'spawn');
    send({ kind: 'started', id });
  } catch (thrown) {
    children.delete(id);
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
    send({ kind: 'failed', id, code });
  } finally {
    // The child has its own copies.
    for (const socket of sockets) socket.destroy();
  }
}

async function open(path: string, name: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, 'connect');
  await new Promise<void>((resolve, reject) => {
    socket.write(name, (error) => (error ? reject(error) : resolve()));
  });
  return socket;
}

// What ends the guard ends this process through the closed channel, after the guard has finished what it was doing.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', (message: ToSpawner) => {
  if (message.kind === 'spawn') start(message).catch(() => undefined);
  else {
    const child = children.get(message.id);
    if (child !== undefined) killGroup(child);
  }
});
process.on('disconnect', () => {
  for (const child of children.values()) killGroup(child);
  process.exit(0);
});
