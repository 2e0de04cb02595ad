// Every wait has an end: a promise is given this long, then the caller goes on without it.
import type { GuardError } from '../core/errors.ts';

/** What `work` gives, or the rejection with `late()` after `ms`; what comes of `work` after that is nobody's. */
export async function within<T>(work: Promise<T>, ms: number, late: () => GuardError): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A signal that aborts this many ms after another one; disposed of, it never does. */
export function graceAfter(signal: AbortSignal, ms: number): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => over.abort(signal.reason), ms);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return {
    signal: over.signal,
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', begin);
      clearTimeout(timer);
    },
  };
}
