// Lists what a caller may see. The service filters by what requests are; who may see them is decided here, page by page.
import type { Approval } from '../../core/approval.ts';
import { isPerson, maySee, seesEverything } from '../../core/approval/visibility.ts';
import type { Grant } from '../../core/principal.ts';
import type { ApprovalFilter, ApprovalService } from '../../core/services.ts';

export interface VisiblePage {
  readonly found: readonly Approval[];
  /** Id after which the next page begins; null where there is no more. */
  readonly next: string | null;
}

const nothing: VisiblePage = { found: [], next: null };
const pageSize = 200;
/** A page that costs more looks than this ends early, with a `next`. */
const mostPages = 5;

/** One page of at most `filter.limit`; it may hold fewer although there are more: `next` says so. */
export async function listVisible(
  approvals: Pick<ApprovalService, 'list'>,
  grant: Grant,
  filter: ApprovalFilter,
): Promise<VisiblePage> {
  const own = isPerson(grant) ? filter : { ...filter, actor: filter.actor ?? grant.principal.id };
  // An agent sees its own requests and nobody else's.
  if (!isPerson(grant) && own.actor !== grant.principal.id) return nothing;
  const size = isPerson(grant) && !seesEverything(grant) ? pageSize : filter.limit;
  const found: Approval[] = [];
  let before = filter.before;
  let wasEmpty = false;
  for (let page = 0; page < mostPages; page += 1) {
    const rows = await approvals.list({ ...own, limit: size, ...(before === undefined ? {} : { before }) });
    for (const row of rows) {
      if (maySee(grant, row)) found.push(row);
      if (found.length === filter.limit) return { found, next: row.id };
    }
    const last = rows.at(-1);
    // Rows that ran out as they were read are left out: nothing at all is believed the second time.
    if (last === undefined && (wasEmpty || own.states === undefined)) return { found, next: null };
    wasEmpty = last === undefined;
    before = last?.id ?? before;
  }
  return { found, next: before ?? null };
}
