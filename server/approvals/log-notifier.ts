// Tells the operator's log of what becomes of requests. Nothing that anybody wrote goes into it.
import type { ApprovalNotifier } from '../../core/services.ts';

/** A notifier that writes one line for each notice. */
export function logNotifier(write: (fields: object, message: string) => void): ApprovalNotifier {
  return {
    notify: async ({ topic, approval, url }) => {
      const { id, request, binding, state } = approval;
      write({ approval: id, request, repository: binding.repository, topic, state, url }, 'approval');
    },
  };
}
