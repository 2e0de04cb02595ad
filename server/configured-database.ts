// The database that the configuration means, for commands that run beside the guard.
import type { Config } from './config-types.ts';
import { openDatabase } from './db.ts';
import type { Database } from './db.ts';
import { reachEmbeddedPostgres } from './embedded-postgres.ts';
import { requireSchema } from './migrate.ts';

/**
 * Runs `work` on the configured database, or on the guard's own, which is reached where the guard runs and started for
 * the while where it does not. `migrate: false` leaves the schema
 * alone and rejects with `database/older-schema` where it is not up to date. Rejects with `database/unavailable` and whatever `work` rejects with.
 */
export async function withConfiguredDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
  options: { readonly migrate: boolean } = { migrate: true },
): Promise<T> {
  const external = config.database.url?.reveal();
  await using embedded = external === undefined ? await reachEmbeddedPostgres(config.dataDir) : undefined;
  await using database = await openDatabase(external ?? embedded?.url ?? '', {
    ...options,
    maxConnections: 2,
  });
  if (!options.migrate) await requireSchema(database);
  return await work(database);
}
