// How a webhook, whose signature was checked, is read: by a schema of the few members that count, and nothing else of it.
import { z } from 'zod';
import type { SightNote } from './bypass/sight-note.ts';
import type { NewWork } from './work.ts';

/**
 * What a webhook asks for. `recheck` is a commit all whose checks are to be looked at again: those that are known, and
 * those of the pull requests that GitHub names, whose check may just be on its way into the database. `sight` is kept until
 * the list of repositories, which is read again, shows what it is about.
 */
export type Asked =
  | { readonly kind: 'work'; readonly work: NewWork }
  | {
      readonly kind: 'recheck';
      readonly repository: string;
      readonly head: string;
      readonly numbers: readonly number[];
    }
  | { readonly kind: 'sight'; readonly note: SightNote }
  | { readonly kind: 'nothing' };

export const nothing: Asked = { kind: 'nothing' };

/** What a webhook of one event asks for. `delivery` is its id. */
export type Reader = (payload: unknown, delivery: string) => Asked;

/** Reads a payload by its schema; one of another shape asks for nothing. */
export function reader<T>(
  schema: z.ZodType<T>,
  actions: readonly string[],
  asked: (payload: T, delivery: string) => Asked,
): Reader {
  return (payload, delivery) => {
    const action = z.object({ action: z.string() }).safeParse(payload);
    if (!action.success || !actions.includes(action.data.action)) return nothing;
    const parsed = schema.safeParse(payload);
    return parsed.success ? asked(parsed.data, delivery) : nothing;
  };
}
