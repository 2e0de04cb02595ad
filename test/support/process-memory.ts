// Peak memory of a process and its children, sampled from Linux /proc. Elsewhere it reads nothing and says so.
import { readdir, readFile, writeFile } from 'node:fs/promises';

export interface MemoryPeaks {
  /** Highest resident set of the process itself, bytes: exact, from the kernel's high-water mark. */
  readonly self: number;
  /** Highest sum over all living descendants but PostgreSQL's in one sample, bytes, shared pages split (PSS). */
  readonly children: number;
  /** The same for the processes of the guard's own PostgreSQL. */
  readonly database: number;
  /** Highest sum of the process and its descendants, PostgreSQL left out, in one sample, bytes. */
  readonly together: number;
  readonly samples: number;
}

export interface MemoryWatch {
  /** Ends the sampling and returns the peaks since it began. */
  stop(): Promise<MemoryPeaks>;
}

/** Samples `pid` and its descendants every `interval` milliseconds (default 50). */
export function watchMemory(pid: number, interval = 50): MemoryWatch {
  const peaks = { self: 0, children: 0, database: 0, together: 0, samples: 0 };
  let going = true;
  const sampling = (async () => {
    await resetHighWaterMark(pid);
    while (going) {
      const sample = await sampleMemory(pid);
      peaks.self = Math.max(peaks.self, sample.self);
      peaks.children = Math.max(peaks.children, sample.children);
      peaks.database = Math.max(peaks.database, sample.database);
      peaks.together = Math.max(peaks.together, sample.self + sample.children);
      peaks.samples += 1;
      await new Promise((resolve) => setTimeout(resolve, interval));
    }
    peaks.self = Math.max(peaks.self, await highWaterMark(pid));
  })();
  return {
    stop: async () => {
      going = false;
      await sampling;
      return { ...peaks };
    },
  };
}

export type MemorySample = Pick<MemoryPeaks, 'self' | 'children' | 'database'>;

/** Resident bytes of a process now, and of its descendants together. */
export async function sampleMemory(pid: number): Promise<MemorySample> {
  const sample = { self: await residentSize(pid), children: 0, database: 0 };
  const descendants = await descendantsOf(pid);
  await Promise.all(
    descendants.map(async ({ pid: child, name }) => {
      const size = await proportionalSize(child);
      sample[name === 'postgres' ? 'database' : 'children'] += size;
    }),
  );
  return sample;
}

export interface Descendant {
  readonly pid: number;
  /** Name of the program, at most 15 characters. */
  readonly name: string;
}

/** All living descendants of a process. */
export async function descendantsOf(pid: number): Promise<readonly Descendant[]> {
  const children = new Map<number, Descendant[]>();
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await read(`/proc/${entry}/stat`);
    // The second field is the name in brackets, which may hold anything; the parent is the second field behind it.
    const nameEnd = stat.lastIndexOf(')');
    const parent = Number(stat.slice(nameEnd + 2).split(' ')[1]);
    const child = { pid: Number(entry), name: stat.slice(stat.indexOf('(') + 1, nameEnd) };
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const below = (parent: number): readonly Descendant[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

async function resetHighWaterMark(pid: number): Promise<void> {
  // 5 resets VmHWM; without the right to do so the mark since the start is used.
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined);
}

const highWaterMark = (pid: number): Promise<number> => field(`/proc/${pid}/status`, 'VmHWM');
const residentSize = (pid: number): Promise<number> => field(`/proc/${pid}/status`, 'VmRSS');
const proportionalSize = (pid: number): Promise<number> => field(`/proc/${pid}/smaps_rollup`, 'Pss');

/** Reads `Name:   123 kB` as bytes; 0 where the process is gone. */
async function field(path: string, name: string): Promise<number> {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(await read(path));
  return match ? Number(match[1]) * 1024 : 0;
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
