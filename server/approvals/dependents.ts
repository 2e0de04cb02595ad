// Requests of the agents of a person as something that stops with it: they are cancelled, so that nobody is asked to
// decide about what would not be applied.
import type { Approval } from '../../core/approval.ts';
import { involvedIn } from '../../core/approval/judge.ts';
import { GuardError } from '../../core/errors.ts';
import type { Dependents } from '../../core/people-services.ts';
import type { ApprovalService } from '../../core/services.ts';

const pageSize = 200;
const mostPages = 50;

/** The requests that wait, or are approved and not applied yet. */
export function requestDependents(approvals: Pick<ApprovalService, 'list' | 'cancel'>): Dependents {
  async function open(person: string): Promise<readonly Approval[]> {
    const found: Approval[] = [];
    let before: string | undefined;
    for (let page = 0; page < mostPages; page += 1) {
      const rows = await approvals.list({
        states: ['waiting', 'approved'],
        limit: pageSize,
        ...(before === undefined ? {} : { before }),
      });
      found.push(...rows.filter((row) => involvedIn(row).has(person)));
      before = rows.at(-1)?.id;
      if (before === undefined) break;
    }
    return found;
  }

  return {
    name: 'requests',
    list: async (person) => (await open(person)).map(({ id }) => id),
    stop: async (person, by) => {
      for (const { id } of await open(person)) {
        // Whoever ends the person's access withdraws in its name.
        const grant = { principal: by, owner: person, scopes: [] };
        await approvals.cancel(id, grant, `${person} may not act any more.`).catch((thrown: unknown) => {
          // It has moved on since: what is being applied is looked at there.
          if (!(thrown instanceof GuardError && thrown.code === 'approval/decided')) throw thrown;
        });
      }
    },
  };
}
