// The schema of `forges[].app.bypass`: which pushes around the guard are watched for, and what is done about them.
import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { closed, duration, glob } from '../core/schema.ts';

const seconds = (preset: string, text: string) =>
  duration({ least: '1s', most: '1d' })
    .default(parseDuration(preset) ?? 0)
    .describe(text);

export const bypassWatchSchema = closed({
  refs: z
    .array(glob)
    .min(1)
    .default(['refs/heads/**', 'refs/tags/**'])
    .describe('globs of the refs that are watched, by their full names'),
  exempt: z
    .array(
      closed({
        logins: z.array(glob).min(1).describe('globs over login names of whoever pushes'),
        refs: z.array(glob).min(1).describe('globs of the refs that they may push to'),
      }),
    )
    .max(100)
    .default([{ logins: ['dependabot\\[bot]'], refs: ['refs/heads/dependabot/**'] }])
    .describe(
      'accounts that may push around the guard, and where; what they push is looked at in pull requests',
    ),
  check: z
    .enum(['never', 'findings', 'always'])
    .default('findings')
    .describe(
      'whether the commit gets a check that says so: `never`, where there are `findings`, or `always`',
    ),
  compareEvery: seconds('10m', 'how often the refs of each repository are compared with what is known'),
  redeliverEvery: seconds('10m', 'how often GitHub is asked for webhooks that did not arrive'),
});
/** Times in seconds. */
export type BypassWatchConfig = z.output<typeof bypassWatchSchema>;
