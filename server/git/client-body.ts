// The body of a request as a client sends it: unpacked where it is compressed, and never waited for without an end.
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GuardError } from '../../core/errors.ts';

export interface ClientBodyOptions {
  /** Content-Encoding of the request. */
  readonly encoding: string | undefined;
  /** Milliseconds without a byte after which the client is given up. */
  readonly silenceMs: number;
  /** Ends the wait for the next byte. */
  readonly signal: AbortSignal;
}

/**
 * The bytes of the body. Fails with `git/malformed` where they are not what Content-Encoding says, with `git/limit`
 * where the client falls silent, and with `request/cancelled` where it goes away or `signal` aborts. The source is left
 * open then, so that the client can still be answered.
 */
export async function* readClientBody(
  source: Readable,
  options: ClientBodyOptions,
): AsyncGenerator<Uint8Array> {
  const { signal, silenceMs } = options;
  const chunks = plain(source, options.encoding)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const next = await promptly(chunks.next(), silenceMs, signal);
    if (next.done === true) return;
    yield next.value;
  }
}

const gzip: readonly (string | undefined)[] = ['gzip', 'x-gzip'];
const asIs: readonly (string | undefined)[] = [undefined, '', 'identity'];

function plain(source: Readable, encoding: string | undefined): Readable {
  if (gzip.includes(encoding)) return unpacked(source);
  if (asIs.includes(encoding)) return source;
  throw new GuardError('git/unsupported', 'only gzip is taken as the Content-Encoding of a request');
}

// Not a pipeline: that would close the connection on which the client is to be told that its data are broken.
function unpacked(source: Readable): Readable {
  const gunzip = createGunzip();
  source.once('error', (error) => gunzip.destroy(error));
  source.once('close', () => {
    if (!source.readableEnded) gunzip.destroy(new Error('the client went away'));
  });
  return source.pipe(gunzip);
}

async function promptly<T>(wanted: Promise<T>, silenceMs: number, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(new GuardError('request/cancelled', 'the request was stopped'));
  const silence = setTimeout(
    () =>
      reject(new GuardError('git/limit', `the client sent nothing for ${Math.round(silenceMs / 1000)} s`)),
    silenceMs,
  );
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([wanted, promise]);
  } catch (thrown) {
    throw bodyError(thrown);
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
  }
}

function bodyError(thrown: unknown): GuardError {
  if (thrown instanceof GuardError) return thrown;
  return isBadGzip(thrown)
    ? new GuardError('git/malformed', 'the body of the request is not whole gzip data', { cause: thrown })
    : new GuardError('request/cancelled', 'the client went away within its request', { cause: thrown });
}

function isBadGzip(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('Z_');
}
