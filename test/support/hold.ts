// A point where something waits until a test lets it go on.

export interface Hold {
  /** Fulfils once somebody waits here. */
  readonly reached: Promise<void>;
  /** Lets everybody go on, those who come later included. */
  release(): void;
}

export interface HoldPoint extends Hold {
  /** Called by the one who waits. */
  wait(): Promise<void>;
}

/** Makes an open-once gate. */
export function createHold(): HoldPoint {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    release: () => released.resolve(),
    wait: () => {
      reached.resolve();
      return released.promise;
    },
  };
}
