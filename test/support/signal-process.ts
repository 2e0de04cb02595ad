// Signals to processes whose number was read from a file or from output. Where that is empty or half written the number
// is 0 or another one: 0 is the whole process group of the tests.
import process from 'node:process';

/** The process number that stands alone in the text; undefined where none does. */
export function processNumber(text: string): number | undefined {
  const pid = /^[1-9]\d{0,9}$/.test(text.trim()) ? Number(text.trim()) : 0;
  return pid > 1 ? pid : undefined;
}

/** Sends the signal to the process with this number; throws where the text is no number of a process. */
export function signalProcess(text: string, signal: NodeJS.Signals): void {
  const pid = processNumber(text);
  if (pid === undefined) throw new Error(`not a process: ${text}`);
  process.kill(pid, signal);
}
