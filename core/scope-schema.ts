// A scope as people and programs write it in documents: strict, with globs that can be read.
import { z } from 'zod';
import { verbs } from './principal.ts';
import { closed, glob } from './schema.ts';

export const scopeSchema = closed({
  repository: glob.describe('glob over `<forge>/<owner>/…/<repo>`'),
  verbs: z.array(z.enum(verbs)).min(1).max(verbs.length).describe('what may be done there'),
  refs: z
    .array(glob)
    .min(1)
    .max(50)
    .optional()
    .describe('globs over the refs that may be pushed to, such as `refs/heads/agent/**`; all where left out'),
});
