// What all routes of a request share: finding it, where the caller may see it, and showing it.
import { z } from 'zod';
import type { Approval } from '../../core/approval.ts';
import { maySee } from '../../core/approval/visibility.ts';
import { GuardError } from '../../core/errors.ts';
import type { Grant } from '../../core/principal.ts';
import type { ApprovalService } from '../../core/services.ts';
import { type ApprovalView, viewOf } from './approval-view.ts';

export interface Desk {
  /** The request, where this caller may see it. Rejects with `approval/unknown`. */
  readonly find: (id: string, grant: Grant) => Promise<Approval>;
  readonly show: (approval: Approval) => ApprovalView;
}

export const approvalParams = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'is not the id of a request'),
});

/** `path` is that of the collection. */
export function createDesk(approvals: Pick<ApprovalService, 'status' | 'urlOf'>, path: string): Desk {
  return {
    show: (approval) => viewOf(approval, approvals.urlOf(approval.id), path),
    find: async (id, grant) => {
      const found = await approvals.status(id);
      if (found !== undefined && maySee(grant, found)) return found;
      throw new GuardError('approval/unknown', 'there is no such request, or this token may not see it');
    },
  };
}
