// Faults of the fake's REST API, taken in the order they were planned.
import type { OperationName } from './operations.ts';

export type ApiFault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Something else happens first. */
  | { readonly kind: 'meanwhile'; readonly act: () => Promise<void> }
  /** The connection breaks before anything happens. */
  | { readonly kind: 'drop' }
  /** The connection breaks when everything has happened. */
  | { readonly kind: 'lose' };

/** An answer of a gateway that is down. */
export const badGateway: ApiFault = {
  kind: 'answer',
  status: 502,
  body: { message: 'Server Error' },
};

/** A secondary limit, which says how many seconds to wait. */
export function secondaryLimit(seconds: number): ApiFault {
  return {
    kind: 'answer',
    status: 403,
    headers: { 'retry-after': String(seconds) },
    body: {
      message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
      documentation_url: 'https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api',
    },
  };
}

interface Planned {
  readonly on: OperationName | 'any';
  readonly fault: ApiFault;
  times: number;
}

export class ApiFaults {
  readonly #planned: Planned[] = [];

  /** The next `times` calls of the operation meet this fault. */
  plan(on: OperationName | 'any', fault: ApiFault, times = 1): void {
    this.#planned.push({ on, fault, times });
  }

  take(operation: OperationName): ApiFault | undefined {
    const found = this.#planned.find(({ on, times }) => times > 0 && (on === 'any' || on === operation));
    if (found !== undefined) found.times -= 1;
    return found?.fault;
  }

  clear(): void {
    this.#planned.splice(0);
  }
}
