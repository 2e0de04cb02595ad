// What an alert about readable values says: which rules, where, and from when to when. No name that came from outside.
import { z } from 'zod';
import type { Alert } from '../../core/alert.ts';
import { type Fact, plainName } from './message.ts';

const detailsSchema = z.object({
  what: z.enum(['log', 'artifact']).catch('log'),
  stage: z.string(),
  run: z.int(),
  job: z.int().optional(),
  artifact: z.int().optional(),
  rules: z.array(z.string()).default([]),
  findings: z.array(z.object({ rule: z.string(), line: z.int() })).default([]),
  exposedSince: z.string().nullable().default(null),
  exposedUntil: z.string().nullable().default(null),
  exposedSeconds: z.int().nullable().default(null),
  settled: z.boolean().default(false),
});

const titles: Readonly<Record<string, (what: string) => string>> = {
  open: (what) => `values can be read in ${what}`,
  closed: (what) => `values could be read in ${what}, which is deleted now`,
  stuck: (what) => `${what}, with values in it, could not be deleted`,
  unread: (what) => `${what} could not be looked at, or not to its end`,
};

/** The title of an alert of the kind `exposure`. */
export function exposureTitle(agent: string, { what, stage }: Alert['details']): string {
  const name = `${what === 'artifact' ? 'an artifact' : 'the log'} of a workflow that ${agent} is behind`;
  return titles[typeof stage === 'string' ? stage : '']?.(name) ?? `there were values in ${name}`;
}

/** What stands below the title. */
export function exposureFacts(details: Alert['details']): readonly Fact[] {
  const read = detailsSchema.safeParse(details).data;
  if (read === undefined) return [];
  const { what, run, job, artifact, rules, findings, exposedSince, exposedUntil, exposedSeconds, settled } =
    read;
  const item = what === 'log' ? `job ${job ?? ''}` : `artifact ${artifact ?? ''}`;
  const places = findings.map(({ rule, line }) => (what === 'log' ? `${rule} in line ${line}` : rule));
  const until =
    exposedUntil === null
      ? 'and still'
      : `to ${exposedUntil}${settled ? ' at the latest' : ''} (${exposedSeconds ?? 0} seconds)`;
  const facts = [
    { label: 'Where', text: `run ${run}, ${item}` },
    { label: 'Rules', text: rules.join(', ') },
    { label: 'Found', text: [...new Set(places)].join(', ') },
    { label: 'Readable', text: exposedSince === null ? '' : `from ${exposedSince} ${until}` },
  ];
  return facts.filter(({ text }) => text !== '').map(({ label, text }) => ({ label, text: plainName(text) }));
}
