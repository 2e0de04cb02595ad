// What a route may answer, for its description and for checking what it sends.
import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import { errorBody } from './json-errors.ts';

interface Answer {
  readonly description: string;
  readonly content: { readonly 'application/json': { readonly schema: z.ZodType } };
}

/** Errors that every guarded route may answer. */
const everywhere = [400, 401, 403, 404, 429, 500, 503] as const;

/** The answer of success, and errors by status besides those of every route. */
export function answers(
  schema: z.ZodType,
  description: string,
  ...statuses: readonly number[]
): Readonly<Record<number, Answer>> {
  const errors = [...everywhere, ...statuses].map(
    (status) => [status, answer(errorBody, `${STATUS_CODES[status] ?? 'Error'}.`)] as const,
  );
  return { ...Object.fromEntries(errors), 200: answer(schema, description) };
}

function answer(schema: z.ZodType, description: string): Answer {
  return { description, content: { 'application/json': { schema } } };
}
