// Times and names as they are written in a query.
import { z } from 'zod';

/** A day (UTC, from its beginning) or a time in RFC 3339. */
export const timeQuery = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/,
    'is no day and no time',
  )
  .transform((text, context) => {
    const time = new Date(text.includes('T') ? text : `${text}T00:00:00.000Z`);
    if (!Number.isNaN(time.getTime())) return time;
    context.addIssue({ code: 'custom', message: 'is no day and no time' });
    return z.NEVER;
  });

/** A principal id; the kind may be left out where it is `kind`. */
export function actorId(text: string, kind: 'agent' | 'human'): string {
  return /^(agent|human|workload|passthrough):/.test(text) ? text : `${kind}:${text}`;
}
