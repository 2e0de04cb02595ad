// A Git child together with what it starts. `git` runs many of its commands as programs of their own, and SIGKILL, which
// cannot be passed on, would end the first and leave the others.
import process from 'node:process';

interface Child {
  readonly pid?: number | undefined;
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  kill(signal: 'SIGKILL'): boolean;
}

/** What a child is spawned with so that `killGroup` reaches everything below it. */
export const ownGroup = { detached: true } as const;

/** Ends with SIGKILL a child that was spawned with `ownGroup`, and what it started; nothing where it has ended. */
export function killGroup(child: Child): void {
  // Until it is waited for, no other process gets its number.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
