// What can go wrong at an upstream, as data; and which request it happens to.

/** What a request asks for, told by its URL as a forge would. */
export type UpstreamRequestKind =
  'advertise-upload-pack' | 'advertise-receive-pack' | 'git-upload-pack' | 'git-receive-pack' | 'other';

export type FaultEffect =
  /** Waits before anything is done. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Sends the header and this much of the body, then nothing more until the upstream stops. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Sends the real body in pieces of this many bytes, one every so many milliseconds. */
  | { readonly kind: 'trickle'; readonly bytes: number; readonly milliseconds: number }
  /** Sends the real body compressed, where the request says that it may be. */
  | { readonly kind: 'compress' }
  /** Reads nothing of the request body and never answers. */
  | { readonly kind: 'ignore' }
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string | Uint8Array;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Redirects to `origin` (default: the same) with the same path and query. */
  | { readonly kind: 'redirect'; readonly status: 301 | 302 | 303 | 307 | 308; readonly origin?: string }
  /** Ends the connection: before the request is done, or after it has taken effect and before the answer. */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  /** Sends only this much of the real body, under a header that promises all of it, then ends the connection. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Waits for `hold`: before the request is done, or after it has taken effect and before the answer. */
  | { readonly kind: 'hold'; readonly when: 'before' | 'after'; readonly wait: () => Promise<void> };

export interface Fault {
  /** Which requests it happens to; all, where absent. */
  readonly on?: UpstreamRequestKind | readonly UpstreamRequestKind[];
  /** How many requests it happens to; every one, where absent. */
  readonly times?: number;
  readonly effect: FaultEffect;
}

/** A page such as a login wall or a captive proxy sends instead of Git protocol, with status 200. */
export const htmlPage: FaultEffect = {
  kind: 'answer',
  status: 200,
  body: '<!doctype html><title>Sign in</title><p>Sign in to go on.</p>',
  headers: { 'content-type': 'text/html; charset=utf-8' },
};

/** Classifies a request by method and URL. */
export function requestKind(method: string, url: string): UpstreamRequestKind {
  const { pathname, searchParams } = new URL(url, 'http://upstream.invalid');
  const service = searchParams.get('service');
  if (method === 'GET' && pathname.endsWith('/info/refs')) {
    if (service === 'git-upload-pack') return 'advertise-upload-pack';
    if (service === 'git-receive-pack') return 'advertise-receive-pack';
  }
  if (method === 'POST' && pathname.endsWith('/git-upload-pack')) return 'git-upload-pack';
  if (method === 'POST' && pathname.endsWith('/git-receive-pack')) return 'git-receive-pack';
  return 'other';
}

/** Hands out the first fault that is meant for a request and counts it down. */
export class FaultPlan {
  #faults: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#faults = [];
  }

  take(kind: UpstreamRequestKind): FaultEffect | undefined {
    const found = this.#faults.find(({ fault, left }) => left > 0 && isMeant(fault, kind));
    if (!found) return undefined;
    found.left -= 1;
    return found.fault.effect;
  }
}

function isMeant({ on }: Fault, kind: UpstreamRequestKind): boolean {
  return on === undefined || (typeof on === 'string' ? on === kind : on.includes(kind));
}
