// Lists in SCIM (RFC 7644 §3.4.2): paging by a 1-based index, and the one filter that directories use to find somebody
// again:
//
//   filter = attribute SP "eq" SP DQUOTE value DQUOTE      ; RFC 7644 §3.4.2.2, the part that is supported
import { z } from 'zod';
import { GuardError } from '../../../core/errors.ts';

const mostAtOnce = 200;

export const listQuery = z.looseObject({
  filter: z.string().max(1_000).optional(),
  startIndex: z.coerce.number().int().optional(),
  count: z.coerce.number().int().optional(),
});

export interface Page {
  readonly offset: number;
  readonly limit: number;
}

/** What a list was asked for; bounds are moved into their range, as the RFC says. */
export function pageOf({ startIndex = 1, count = mostAtOnce }: z.output<typeof listQuery>): Page {
  return {
    offset: Math.min(Math.max(startIndex, 1), 1_000_000_000) - 1,
    limit: Math.min(Math.max(count, 0), mostAtOnce),
  };
}

/** Attribute, as listed in `known`, and value; undefined without a filter. Throws `input/invalid`. */
export function readFilter<Name extends string>(
  filter: string | undefined,
  known: readonly Name[],
): { readonly name: Name; readonly value: string } | undefined {
  if (filter === undefined || filter.trim() === '') return undefined;
  const [, attribute = '', quoted = ''] =
    /^\s*([A-Za-z.]+)\s+[eE][qQ]\s+("(?:[^"\\]|\\.)*")\s*$/.exec(filter) ?? [];
  const name = known.find((candidate) => candidate.toLowerCase() === attribute.toLowerCase());
  if (name === undefined)
    throw new GuardError(
      'input/invalid',
      `the filter is not one of: ${known.map((one) => `${one} eq "…"`).join(', ')}`,
    );
  const value = z.string().safeParse(parseJson(quoted)).data;
  if (value === undefined)
    throw new GuardError('input/invalid', 'the value of the filter is not a JSON text');
  return { name, value };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The answer to a list. */
export function listResponse(resources: readonly object[], total: number, { offset }: Page): object {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: total,
    startIndex: offset + 1,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}
