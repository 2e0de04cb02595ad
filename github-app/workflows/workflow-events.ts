// Webhooks about runs of workflows and their deployments, and what they ask for.
import { z } from 'zod';
import { nothing, reader, type Asked, type Reader } from '../event-reader.ts';

const repository = z.object({ full_name: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/) });
const id = z.int().min(1);

function runOf(name: string, run: number): Asked {
  return { kind: 'work', work: { kind: 'run', repository: name, subject: String(run), data: { run } } };
}

/** The events, by name. */
export const workflowReaders: Readonly<Record<string, Reader>> = {
  workflow_run: reader(
    z.object({ repository, workflow_run: z.object({ id }) }),
    ['completed'],
    ({ repository: { full_name }, workflow_run }) => runOf(full_name, workflow_run.id),
  ),
  workflow_job: reader(
    z.object({ repository, workflow_job: z.object({ run_id: id }) }),
    ['completed'],
    ({ repository: { full_name }, workflow_job }) => runOf(full_name, workflow_job.run_id),
  ),
  deployment_protection_rule: reader(
    // Where to answer is made of the number of the run alone: an address in a webhook is never asked.
    z.object({
      repository,
      deployment: z.object({ id }),
      deployment_callback_url: z.string().max(2_000),
    }),
    ['requested'],
    ({ repository: { full_name }, deployment, deployment_callback_url: url }) => {
      const number = Number(/\/actions\/runs\/(\d{1,18})\/deployment_protection_rule$/.exec(url)?.[1] ?? 0);
      if (!Number.isSafeInteger(number) || number === 0) return nothing;
      const data = { deployment: deployment.id, run: number };
      const subject = String(deployment.id);
      return { kind: 'work', work: { kind: 'deployment', repository: full_name, subject, data } };
    },
  ),
};
