// The SQL of deployments that wait for the guard's answer, one statement a function.
import { z } from 'zod';
import type { Queryable } from '../../server/db.ts';

export interface DeploymentKey {
  readonly forge: string;
  /** Id at GitHub. */
  readonly deployment: number;
}

const row = z.object({
  repository: z.string(),
  deployment: z.coerce.number(),
  run: z.coerce.number(),
  request: z.string(),
  approval: z.string().nullable(),
  told: z.boolean(),
  answer: z.enum(['approved', 'rejected']).nullable(),
  answeredAt: z.date().nullable(),
});
export type KnownDeployment = Readonly<z.output<typeof row>>;
export type DeploymentAnswer = NonNullable<KnownDeployment['answer']>;

const columns = `repository, deployment, run, request, approval, told, answer, answered_at as "answeredAt"`;

/** Remembers a deployment, where it is not known, and tells what is known of it. */
export async function openDeployment(
  client: Queryable,
  { forge, deployment }: DeploymentKey,
  first: Pick<KnownDeployment, 'repository' | 'run' | 'request'>,
): Promise<KnownDeployment> {
  await client.query(
    `insert into github_deployment (forge, repository, deployment, run, request) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [forge, first.repository.toLowerCase(), deployment, first.run, first.request],
  );
  const [found] = await client.query(
    `select ${columns} from github_deployment where forge = $1 and deployment = $2`,
    [forge, deployment],
  );
  return row.parse(found);
}

/** What is known of it; undefined where nothing is. */
export async function findDeployment(
  client: Queryable,
  { forge, deployment }: DeploymentKey,
): Promise<KnownDeployment | undefined> {
  const [found] = await client.query(
    `select ${columns} from github_deployment where forge = $1 and deployment = $2`,
    [forge, deployment],
  );
  return found === undefined ? undefined : row.parse(found);
}

/** The deployment that waits for an approval. */
export async function findDeploymentOf(
  client: Queryable,
  approval: string,
): Promise<(KnownDeployment & { readonly forge: string }) | undefined> {
  const [found] = await client.query(`select forge, ${columns} from github_deployment where approval = $1`, [
    approval,
  ]);
  return found === undefined ? undefined : row.extend({ forge: z.string() }).parse(found);
}

/** It waits for this approval. */
export async function setApproval(
  client: Queryable,
  { forge, deployment }: DeploymentKey,
  approval: string,
): Promise<void> {
  await client.query(`update github_deployment set approval = $3 where forge = $1 and deployment = $2`, [
    forge,
    deployment,
    approval,
  ]);
}

/** GitHub was told that people are asked. */
export async function setTold(client: Queryable, { forge, deployment }: DeploymentKey): Promise<void> {
  await client.query(`update github_deployment set told = true where forge = $1 and deployment = $2`, [
    forge,
    deployment,
  ]);
}

/** This is being answered from now on; false where the other answer is. */
export async function beginAnswer(
  client: Queryable,
  { forge, deployment }: DeploymentKey,
  answer: DeploymentAnswer,
): Promise<boolean> {
  const rows = await client.query(
    `update github_deployment set answer = $3 where forge = $1 and deployment = $2 and (answer is null or answer = $3)
     returning deployment`,
    [forge, deployment, answer],
  );
  return rows.length === 1;
}

/** GitHub has taken the answer, or waits for none any more. */
export async function endAnswer(client: Queryable, { forge, deployment }: DeploymentKey): Promise<void> {
  await client.query(
    `update github_deployment set answered_at = clock_timestamp() where forge = $1 and deployment = $2`,
    [forge, deployment],
  );
}

/** Forgets what GitHub does not wait for any more. */
export async function pruneDeployments(client: Queryable): Promise<void> {
  await client.query(
    `delete from github_deployment where asked_at < clock_timestamp() - interval '400 days'`,
  );
}
