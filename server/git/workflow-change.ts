// Whether a push changes what GitHub Actions runs: GitHub takes such a push only from a token that may.
import { contextOf } from './decide-push.ts';
import type { Decision, Push, PushServices, ReceivedStage } from './push-stage.ts';
import { changedPaths } from './ref-changes.ts';

const directory = '.github/workflows/';

/** Asked only where the answer could change the token. What cannot be told is not granted. */
export async function changesWorkflows(
  services: PushServices,
  push: Push,
  stage: ReceivedStage,
  { facts, inspection }: Decision,
): Promise<boolean> {
  const { credential } = push.client.repository.forge;
  if (credential.mode !== 'github-app' || !credential.allowWorkflows) return false;
  const context = await contextOf(services, push, stage, inspection);
  const { paths } = await changedPaths(facts.updates, context, 'quick');
  return paths.some(({ path }) => path.startsWith(directory));
}
