// What a part keeps that was made of, or stands beside, sealed texts of the audit log: it must go where these are
// destroyed, in the same transaction. Each part that keeps such texts has one of these.
import type { Queryable } from './db.ts';

/** The texts of one repository and one month [from, to). */
export interface TextScope {
  readonly repository: string;
  readonly from: Date;
  readonly to: Date;
}

export interface DerivedTexts {
  /** Why they cannot go yet, as a sentence for people; undefined where they can. */
  blockedBy(client: Queryable, scope: TextScope): Promise<string | undefined>;
  /** Lets them go. Does nothing where they are gone. */
  forget(client: Queryable, scope: TextScope): Promise<void>;
}
