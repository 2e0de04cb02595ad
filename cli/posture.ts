// `forgeguard posture`: whether the settings of guarded repositories make the guard the only way in, from a running guard.
import process from 'node:process';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { postureStates } from '../core/posture.ts';
import { connectToGuard, type GuardFlags } from './guard-client.ts';
import { guardOptions } from './guard-options.ts';
import { printable } from './printable.ts';

interface PostureFlags extends GuardFlags {
  readonly format: 'text' | 'json';
  readonly all?: true;
}

const answer = z.object({
  repositories: z.array(
    z.object({
      repository: z.string(),
      url: z.string().nullable(),
      readAt: z.string().nullable(),
      points: z.array(
        z.object({
          topic: z.string(),
          title: z.string(),
          state: z.enum(postureStates),
          found: z.string(),
          change: z.string().nullable(),
          link: z.string().nullable(),
        }),
      ),
    }),
  ),
  next: z.string().nullable(),
});
type Repository = z.output<typeof answer>['repositories'][number];

const mostPages = 1_000;
const words = { ok: 'ok', 'to-do': 'TO DO', unreadable: 'could not be read' } as const;

function textOf({ repository, readAt, points }: Repository, all: boolean): string {
  if (readAt === null) return `${printable(repository)}: is being read, ask again in a moment\n`;
  const open = points.filter(({ state }) => state === 'to-do').length;
  const lines = points
    .filter(({ state }) => all || state !== 'ok')
    .map(({ title, state, found, change, link }) =>
      [`  ${title}: ${words[state]}. ${found}`, change, link]
        .flatMap((text) => (text === null ? [] : [printable(text)]))
        .join('\n    '),
    );
  return [
    `${printable(repository)}: ${open === 0 ? 'nothing' : open} to do, read ${readAt}`,
    ...lines,
    '',
  ].join('\n');
}

/** Exit code 1 where something is to be done. */
async function posture({ format, all, ...flags }: PostureFlags): Promise<void> {
  const guard = await connectToGuard(flags, 'adminToken');
  const repositories: Repository[] = [];
  let after = '';
  for (let page = 0; page < mostPages; page += 1) {
    const query = new URLSearchParams({ after });
    const part = await guard.call(answer, `/posture?${query.toString()}`);
    repositories.push(...part.repositories);
    if (part.next === null) break;
    after = part.next;
  }
  process.stdout.write(
    format === 'json'
      ? `${JSON.stringify({ repositories }, null, 2)}\n`
      : repositories.map((repository) => textOf(repository, all === true)).join(''),
  );
  if (repositories.some(({ points }) => points.some(({ state }) => state === 'to-do'))) process.exitCode = 1;
}

/** Adds `posture` to the program. */
export function registerPosture(program: Command): void {
  guardOptions(program.command('posture'))
    .description('tell whether the settings of repositories make the guard the only way in; exit code 1: not')
    .option('--all', 'also what is right')
    .addOption(new Option('--format <format>', 'form').choices(['text', 'json']).default('text'))
    .action(posture);
}
