// Who has brought a commit to an upstream through the guard, as a port between the part that knows the record and those
// who act on what the upstream says.
import type { Principal } from './principal.ts';

/**
 * The principal whose push made a ref of the repository point at the commit, the newest where there are several;
 * undefined where no such push is known. `repository` is `<forge>/<owner>/…/<repo>` in any spelling.
 */
export type PushedBy = (repository: string, commit: string) => Promise<Principal | undefined>;
