// Entries of the audit log that a stranger can cause at will: past a rate they are counted instead of written, and the
// count is written once the second is over. Whatever has a name here has a rate of its own, so that a flood of one thing
// does not hide another.
import type { AuditEvent } from '../core/audit-event.ts';
import type { AuditLog } from '../core/services.ts';

export interface CountedEntriesOptions {
  readonly audit: Pick<AuditLog, 'append'>;
  /** Entries a second of one name. */
  readonly forEach: number;
  /** Entries a second of all names together; bounds how many names are remembered. */
  readonly forAll: number;
}

/** What is to be written; `more` is how many others it stands for. */
export type MakeEntry = (more: number) => AuditEvent;

export interface CountedEntries {
  /** Writes the entry or counts it. Rejects as `AuditLog.append` does. */
  add(name: string, entry: MakeEntry): Promise<void>;
  /** The same for what nobody waits for: an entry that cannot be written is counted. */
  note(name: string, entry: MakeEntry): void;
}

/** Nothing is counted yet. While the log cannot be written, counts are kept. */
export function createCountedEntries({ audit, forEach, forAll }: CountedEntriesOptions): CountedEntries {
  /** Of the present second, by name. */
  let written = new Map<string, number>();
  let all = 0;
  let counted: { readonly last: MakeEntry; readonly count: number } | undefined;
  let second: NodeJS.Timeout | undefined;

  function beginSecond(): void {
    second ??= setTimeout(endSecond, 1_000).unref();
  }

  function endSecond(): void {
    [written, all, second] = [new Map<string, number>(), 0, undefined];
    if (counted === undefined) return;
    const { last, count } = counted;
    counted = undefined;
    audit.append(last(count - 1)).catch(() => countMore(counted?.last ?? last, count));
  }

  function countMore(last: MakeEntry, more: number): void {
    beginSecond();
    counted = { last, count: (counted?.count ?? 0) + more };
  }

  async function add(name: string, entry: MakeEntry): Promise<void> {
    const before = written.get(name) ?? 0;
    if (before >= forEach || all >= forAll) {
      countMore(entry, 1);
      return;
    }
    beginSecond();
    written.set(name, before + 1);
    all += 1;
    await audit.append(entry(0));
  }

  return { add, note: (name, entry) => void add(name, entry).catch(() => countMore(entry, 1)) };
}
