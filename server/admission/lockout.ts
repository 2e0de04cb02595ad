// Who may try a credential: one that keeps failing from one address waits longer and longer, and an address from which
// very many fail has only credentials looked at that worked before, and a few others. One bad client does not shut out
// its neighbours behind the same address. Addresses and credentials are chosen by strangers; memory is bounded.
import { WindowCounts } from './window-counts.ts';

export interface LockoutLimits {
  /** Failures of one credential from one address before it waits. */
  readonly failuresOfCredential: number;
  /** Failures from one address before it waits. */
  readonly failuresOfAddress: number;
  /** Seconds of the first wait; each further one is twice as long, up to the longest. */
  readonly firstWait: number;
  readonly longestWait: number;
}

export interface Lockout {
  /** `credential`: of this credential from this address; `address`: of the address. */
  readonly of: 'credential' | 'address';
  readonly failures: number;
  readonly waitMs: number;
}

export interface Attempt {
  /** See `addressKey`. */
  readonly address: string;
  /** A digest of what is presented. */
  readonly credential: string;
}

const minute = 60_000;
/** Failures count as long as this. */
const windowMs = 10 * minute;
/** That a credential works is remembered, and waits grow, as long as this. */
const memoryMs = 60 * minute;
const capacity = 20_000;
/** A locked address may try so many unknown credentials in ten seconds. */
const trickle = 5;

export class Lockouts {
  readonly #limits: LockoutLimits;
  readonly #failures: WindowCounts;
  readonly #worked: WindowCounts;
  readonly #strikes: WindowCounts;
  readonly #trickle: WindowCounts;
  readonly #locks = new Map<string, number>();
  readonly #now: () => number;

  constructor(limits: LockoutLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    const counts = (span: number): WindowCounts => new WindowCounts({ windowMs: span, capacity, now });
    this.#failures = counts(windowMs);
    this.#worked = counts(memoryMs);
    this.#strikes = counts(memoryMs);
    this.#trickle = counts(10_000);
  }

  /** Milliseconds that this attempt has to wait; 0 where it may be made. */
  waitMs(attempt: Attempt): number {
    const pair = pairKey(attempt);
    const own = this.#left(pair);
    if (own > 0) return own;
    const ofAddress = this.#left(attempt.address);
    if (ofAddress === 0 || this.#worked.total(pair) > 0) return 0;
    if (this.#trickle.total(attempt.address) < trickle) {
      this.#trickle.add(attempt.address);
      return 0;
    }
    return Math.min(ofAddress, this.#trickle.left(attempt.address));
  }

  succeeded(attempt: Attempt): void {
    const pair = pairKey(attempt);
    this.#worked.forget(pair);
    this.#worked.add(pair);
    this.#failures.forget(pair);
  }

  /** Counts a failure; tells of the locks that it closes. */
  failed(attempt: Attempt): readonly Lockout[] {
    const pair = pairKey(attempt);
    this.#worked.forget(pair);
    return [
      ...this.#count('credential', pair, this.#limits.failuresOfCredential),
      ...this.#count('address', attempt.address, this.#limits.failuresOfAddress),
    ];
  }

  #count(of: Lockout['of'], key: string, most: number): readonly Lockout[] {
    const failures = this.#failures.add(key);
    if (failures < most || this.#left(key) > 0) return [];
    const strike = Math.min(this.#strikes.add(key), 20);
    const waitMs = Math.min(this.#limits.longestWait, this.#limits.firstWait * 2 ** (strike - 1)) * 1_000;
    this.#locks.delete(key);
    this.#locks.set(key, this.#now() + waitMs);
    for (const oldest of this.#locks.keys()) {
      if (this.#locks.size <= capacity) break;
      this.#locks.delete(oldest);
    }
    return [{ of, failures, waitMs }];
  }

  #left(key: string): number {
    const until = this.#locks.get(key);
    return until === undefined ? 0 : Math.max(0, until - this.#now());
  }
}

function pairKey({ address, credential }: Attempt): string {
  return `${address} ${credential}`;
}
