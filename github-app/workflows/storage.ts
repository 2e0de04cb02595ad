// Downloads from where GitHub keeps logs and artifacts. GitHub's API says where that is; it is asked without any
// credential, and whatever it sends is untrusted and bounded in bytes and time.
import { rootCertificates } from 'node:tls';
import { Agent, fetch as undiciFetch } from 'undici';
import { GuardError } from '../../core/errors.ts';
import { version } from '../../server/version.ts';
import { GithubRefusal } from '../api.ts';

export interface GithubStorage extends AsyncDisposable {
  /**
   * The bytes at an address, at most `mostBytes` of them. Rejects with a `GithubRefusal` for an answer that is no success,
   * with `upstream/unreachable`, or with `upstream/invalid` for an address that is not asked.
   */
  read(url: URL, mostBytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array, Ending>;
}

/** Whether there was more than what was read. */
export interface Ending {
  readonly isCut: boolean;
}

export interface GithubStorageOptions {
  readonly apiUrl: string;
  /** PEM; trusted besides the system's, because a storage may be somebody else's. */
  readonly ca: string | undefined;
}

const answerMs = 30_000;
const downloadMs = 600_000;
const mostRedirects = 3;

/** Nothing is asked before the first read. */
export function createGithubStorage({ apiUrl, ca }: GithubStorageOptions): GithubStorage {
  const agent = new Agent({
    connect: { timeout: 10_000, ...(ca === undefined ? {} : { ca: [ca, ...rootCertificates] }) },
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
  });
  const schemes = new URL(apiUrl).protocol === 'http:' ? ['http:', 'https:'] : ['https:'];

  async function open(url: URL, signal: AbortSignal, redirects: number): Promise<AsyncIterable<Uint8Array>> {
    if (!schemes.includes(url.protocol) || url.username !== '' || redirects > mostRedirects)
      throw new GuardError('upstream/invalid', 'GitHub leads to a storage that is not asked');
    const response = await undiciFetch(url, {
      dispatcher: agent,
      redirect: 'manual',
      headers: { 'user-agent': `forgeguard/${version}`, 'accept-encoding': 'identity' },
      signal,
    });
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      return open(new URL(location, url), signal, redirects + 1);
    }
    if (response.status === 200 && response.body !== null) return response.body;
    await response.body?.cancel();
    if (response.status >= 500 || response.status === 429)
      throw new GuardError('upstream/unreachable', `the storage of GitHub answered ${response.status}`);
    throw new GithubRefusal(response.status, 'the storage of GitHub refused it');
  }

  return {
    read: async function* (url, mostBytes, stop) {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(downloadMs)]);
      let left = mostBytes;
      try {
        for await (const chunk of await open(url, signal, 0)) {
          if (chunk.length > left) {
            if (left > 0) yield chunk.subarray(0, left);
            return { isCut: true };
          }
          left -= chunk.length;
          yield chunk;
        }
        return { isCut: false };
      } catch (thrown) {
        throw failureOf(thrown, stop);
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

// Errors of the client hold the address, whose signature is as good as a credential for a minute.
function failureOf(thrown: unknown, stop: AbortSignal): Error {
  if (thrown instanceof GuardError || thrown instanceof GithubRefusal) return thrown;
  if (stop.aborted) return new GuardError('request/cancelled', 'the work was stopped');
  const name = thrown instanceof Error ? thrown.name : 'unknown';
  return new GuardError('upstream/unreachable', 'the storage of GitHub did not answer to its end', {
    cause: new Error(name),
  });
}
