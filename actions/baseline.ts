// A baseline: findings that are known and excused for a time, in the form of the exceptions of a policy.
import { readDocument } from '../core/document.ts';
import type { PolicyException } from '../core/policy.ts';
import { baselineSchema } from '../core/policy/schema.ts';

/** Reads the text of a baseline. Throws `GuardError` `policy/invalid` with every problem found. */
export function parseBaseline(text: string, name: string): readonly PolicyException[] {
  return readDocument(baselineSchema, text, { name, code: 'policy/invalid' }).exceptions;
}
