// Collects requests that were changed for a moment, so that a burst of changes asks the database once.

const gatherMs = 10;

/**
 * Returns a function that takes the id of a request and returns at once; `wake` is called soon with all that came. What
 * `wake` fails at is left to the reconciler.
 */
export function createWaker(wake: (ids: readonly string[]) => Promise<void>): (id: string) => void {
  let gathered = new Set<string>();
  let isBusy = false;

  function schedule(): void {
    isBusy = true;
    setTimeout(() => {
      const ids = [...gathered];
      gathered = new Set();
      const next = (): void => {
        isBusy = false;
        if (gathered.size > 0) schedule();
      };
      wake(ids).then(next, next);
    }, gatherMs);
  }

  return (id) => {
    gathered.add(id);
    if (!isBusy) schedule();
  };
}
