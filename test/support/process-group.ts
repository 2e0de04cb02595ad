// Groups of processes, each led by a program that a test started.

/** Kills a process that was started as the leader of its own group, and its children. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
}
