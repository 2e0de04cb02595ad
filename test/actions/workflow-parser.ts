// GitHub's own parser of workflows and of an action's metadata. It imports JSON as only bundlers do; Node is told to read it.
import { registerHooks } from 'node:module';

const hooks = registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
});
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } =
  await import('@actions/workflow-parser');
const { parseAction } = await import('@actions/workflow-parser/actions/action-parser');
hooks.deregister();

/** What it has against a workflow. */
export async function workflowProblems(content: string): Promise<readonly string[]> {
  const { context, value } = parseWorkflow({ name: 'workflow.yml', content }, new NoOperationTraceWriter());
  const errors = context.errors.getErrors();
  if (value === undefined || errors.length > 0) return errors.map(({ message }) => message);
  return ((await convertWorkflowTemplate(context, value)).errors ?? []).map(({ Message }) => Message);
}

/** What it has against the metadata of an action. */
export function metadataProblems(content: string): readonly string[] {
  const { context } = parseAction({ name: 'action.yml', content }, new NoOperationTraceWriter());
  return context.errors.getErrors().map(({ message }) => message);
}
