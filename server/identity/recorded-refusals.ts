// Writes refused identities into the audit log. A flood of bad tokens does not become a flood of entries: past a rate
// they are counted, and the last of a second carries the count. Each token that the guard knows has a rate of its own, so
// that a flood of invented ones does not hide the use of a stolen one.
import { randomBytes } from 'node:crypto';
import { type IdentityRefusal, refusalOf } from '../../core/identity-refusal.ts';
import type { AuditLog, IdentityService } from '../../core/services.ts';

/** Entries a second for one known token, and for all that is not known together. */
const entriesForEach = 10;
/** Entries a second for all tokens together. */
const entriesForAll = 50;

export interface RefusalRecorder {
  /** Writes the entry or counts it. Rejects as `AuditLog.append` does. */
  record(refusal: IdentityRefusal): Promise<void>;
  /** The same for a connection that nobody answers: what cannot be written is counted. */
  note(refusal: IdentityRefusal): void;
}

/** Writes `identity.refused` entries. */
export function createRefusalRecorder(audit: Pick<AuditLog, 'append'>): RefusalRecorder {
  /** Of the present second, by token; empty for those that are not known. */
  let written = new Map<string, number>();
  let all = 0;
  let counted: { readonly last: IdentityRefusal; readonly count: number } | undefined;
  let second: NodeJS.Timeout | undefined;

  const write = ({ facts, reason, token }: IdentityRefusal, moreRefusals: number): Promise<unknown> =>
    audit.append({
      action: 'identity.refused',
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: { ...facts, reason, token: token ?? null, moreRefusals },
    });

  function endSecond(): void {
    [written, all, second] = [new Map<string, number>(), 0, undefined];
    if (counted === undefined) return;
    const { last, count } = counted;
    counted = undefined;
    // While the log cannot be written they are kept, and written with those that come.
    write(last, count - 1).catch(() => countMore(counted?.last ?? last, count));
  }

  function countMore(last: IdentityRefusal, more: number): void {
    second ??= setTimeout(endSecond, 1_000).unref();
    counted = { last, count: (counted?.count ?? 0) + more };
  }

  async function record(refusal: IdentityRefusal): Promise<void> {
    const key = refusal.token ?? '';
    const before = written.get(key) ?? 0;
    if (before >= entriesForEach || all >= entriesForAll) {
      countMore(refusal, 1);
      return;
    }
    second ??= setTimeout(endSecond, 1_000).unref();
    written.set(key, before + 1);
    all += 1;
    await write(refusal, 0);
  }

  return {
    record,
    note: (refusal) => void record(refusal).catch(() => countMore(refusal, 1)),
  };
}

/** The same service, with an `identity.refused` entry for each token that was not accepted. */
export function recordRefusals(identity: IdentityService, refusals: RefusalRecorder): IdentityService {
  return {
    async authenticate(presented) {
      try {
        return await identity.authenticate(presented);
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        // Git asks without a credential first: that is no failure.
        if (refusal !== undefined && refusal.reason !== 'missing') await refusals.record(refusal);
        throw thrown;
      }
    },
  };
}
