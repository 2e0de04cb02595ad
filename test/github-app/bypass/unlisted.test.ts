// Pushes that are put down to one of the guard's own whose list is gone: many at once are told of once, and none is taken
// for a push around the guard because another is just being put down.
import { expect, test } from 'vitest';
import { markTold, presume } from '../../../github-app/bypass/unlisted-store.ts';
import { freshDatabase } from '../../support/database.ts';

test('of several at once the first tells, and the others know', async () => {
  await using fresh = await freshDatabase();
  const { database } = fresh;
  const now = new Date();
  await database.query(
    `insert into github_unlisted (request, repository, missing, state, at, ended_at)
     values ('r-1', 'hub/acme/one', 3, 'landed', $1, $1)`,
    [now],
  );
  const first = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const telling = database.transaction(async (client) => {
    const found = await presume(client, 'hub/acme/one', now, 60);
    entered.resolve();
    await first.promise;
    await markTold(client, 'r-1');
    return found;
  });
  await entered.promise;
  const others = [1, 2].map(() => database.transaction((client) => presume(client, 'hub/acme/one', now, 60)));
  first.resolve();
  expect(await telling).toMatchObject({ request: 'r-1', toldAt: null });
  for (const other of await Promise.all(others))
    expect(other).toMatchObject({ request: 'r-1', toldAt: expect.any(Date) as Date });
  // No more than are missing.
  expect(await presume(database, 'hub/acme/one', now, 60)).toBeUndefined();
});
