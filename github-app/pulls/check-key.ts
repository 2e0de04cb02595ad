// How checks are named in the database and at GitHub: by the pull request or the merge group that they are about.
import { GuardError } from '../../core/errors.ts';
import type { Hub } from '../hub.ts';
import type { PullPlace } from './pull.ts';
import type { CheckKey } from '../store.ts';

/** Where the check of a pull request is remembered. */
export function pullKey(
  { forge }: Pick<Hub, 'forge'>,
  { repository, number }: Omit<PullPlace, 'signal'>,
): CheckKey {
  return { forge, repository, subject: `pull/${number}` };
}

/** The pull request of a check; throws where it is none. */
export function numberOf(subject: string): number {
  const number = Number(/^pull\/(\d{1,9})$/.exec(subject)?.[1] ?? 0);
  if (number === 0) throw new GuardError('internal', 'the check is not that of a pull request');
  return number;
}
