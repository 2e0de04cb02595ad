// Alerts about values that stood where others could read them, in the log or an artifact of a workflow: when they are
// found, when they are gone, when they cannot be taken away, and when nobody could look. Pure.
import { z } from 'zod';
import type { Json } from './audit-event.ts';
import type { RecordedEvent } from './services.ts';

const actionPattern = /^(log|artifact)\.(scanned|unscanned|deleted|deletion-failed)$/;
const mostNamed = 10;

const detailsSchema = z.object({
  run: z.int(),
  /** Of the log that it is; an artifact has an id of its own. */
  job: z.int().optional(),
  artifact: z.int().optional(),
  verdict: z.string().default('allow'),
  cut: z.boolean().default(false),
  willDelete: z.boolean().default(false),
  /** Whether values were found in it; those without go with others of the same run. */
  found: z.boolean().optional(),
  final: z.boolean().default(false),
  tries: z.int().default(1),
  code: z.string().optional(),
  exposedSince: z.string().optional(),
  exposedUntil: z.string().optional(),
  exposedSeconds: z.int().optional(),
  settled: z.boolean().default(false),
  reasons: z.array(z.object({ rule: z.string() })).default([]),
  findings: z.array(z.object({ rule: z.string(), line: z.int() })).default([]),
});
type Details = z.output<typeof detailsSchema>;

/** `open`: it can be read; `closed`: it is gone; `stuck`: it could not be deleted; `unread`: nobody knows what is in it. */
type Stage = 'open' | 'closed' | 'stuck' | 'unread';

function stageOf(step: string, details: Details): Stage | undefined {
  switch (step) {
    case 'scanned':
      if (details.verdict !== 'allow') return 'open';
      return details.cut ? 'unread' : undefined;
    case 'unscanned':
      return 'unread';
    case 'deleted':
      return details.found === true ? 'closed' : undefined;
    default:
      // The first failure is told, and the last.
      return details.found !== false && (details.final || details.tries === 1) ? 'stuck' : undefined;
  }
}

/** An alert of this kind. */
interface ExposureAlert {
  readonly id: string;
  readonly kind: 'exposure';
  readonly actor: string;
  readonly repository: string | null;
  readonly request: string;
  readonly at: Date;
  readonly details: { readonly [key: string]: Json };
}

/** The alert that an entry gives; undefined for every other entry. */
export function exposureAlert({ index, time, event }: RecordedEvent): ExposureAlert | undefined {
  const [, what = '', step = ''] = actionPattern.exec(event.action) ?? [];
  const details = step === '' ? undefined : detailsSchema.safeParse(event.details).data;
  const stage = details && stageOf(step, details);
  if (details === undefined || stage === undefined) return undefined;
  const { run, job, artifact, exposedSince, exposedUntil, exposedSeconds, code, willDelete, final } = details;
  const { settled } = details;
  return {
    id: `exposure-${index}`,
    kind: 'exposure',
    actor: event.actor?.id ?? 'somebody unknown',
    repository: event.repository,
    request: event.request,
    at: time,
    details: {
      what,
      stage,
      run,
      ...(job === undefined ? {} : { job }),
      ...(artifact === undefined ? {} : { artifact }),
      rules: [...new Set(details.reasons.map(({ rule }) => rule))].slice(0, mostNamed),
      // Names of files are not told: somebody else chose them.
      findings: details.findings.slice(0, mostNamed).map(({ rule, line }) => ({ rule, line })),
      exposedSince: exposedSince ?? null,
      exposedUntil: exposedUntil ?? null,
      exposedSeconds: exposedSeconds ?? null,
      // It was gone when the guard asked; since when is not known.
      ...(settled ? { settled } : {}),
      ...(stage === 'open' ? { willDelete } : {}),
      ...(stage === 'stuck' ? { final } : {}),
      ...(code === undefined ? {} : { code }),
    },
  };
}
