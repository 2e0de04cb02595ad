// What a repository of a GitHub is called now that was renamed or transferred, for those who ask for it by an old name.
import type { NewNameOf } from '../../core/new-names.ts';
import type { Queryable } from '../../server/db.ts';
import { readNewName } from './names-store.ts';

/** The port, over what the guard has noticed. */
export function createNewNames(database: Queryable): NewNameOf {
  return async (repository) => {
    const at = repository.indexOf('/');
    const forge = repository.slice(0, at);
    const name = await readNewName(database, forge, repository.slice(at + 1));
    return name === undefined ? undefined : `${forge}/${name}`;
  };
}
