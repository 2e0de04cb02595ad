// Carries out what was approved: lets exactly the approved deployment go on, after one more look whether the approval still
// covers it. Called by one worker at a time for one approval.
import { type Approval, votesInForce } from '../../core/approval.ts';
import { findingsDigest } from '../../core/approval/binding.ts';
import { uncovered } from '../../core/approval/coverage.ts';
import { asGuardError } from '../../core/errors.ts';
import type { ApplyOutcome, ApprovalApplier } from '../../core/services.ts';
import { answerDeployment, deployDecided, deploymentKey } from './answer-deployment.ts';
import { GithubRefusal } from '../api.ts';
import { type DeploymentPlace } from './deployment.ts';
import { findDeployment, type KnownDeployment } from './deployment-store.ts';
import type { Hub } from '../hub.ts';
import { lookAtDeployment } from './look-at-deployment.ts';
import { code, oneLine } from '../markdown.ts';
import type { MergeServices } from '../pulls/merge-applier.ts';
import { waitedFor } from '../workflows/run-scene.ts';

interface Found {
  readonly hub: Hub;
  readonly place: DeploymentPlace;
  readonly known: KnownDeployment;
}

const unknown: ApplyOutcome = { kind: 'failed', note: 'This deployment is not known any more.' };

/** The applier of deployments. */
export function createDeploymentApplier(services: MergeServices): ApprovalApplier {
  async function find({ held }: Approval, signal: AbortSignal): Promise<Found | undefined> {
    const [, forge = '', repository = '', id = ''] =
      /^([^/]+)\/([^/]+\/[^/]+)#deployment-(\d+)$/.exec(held) ?? [];
    const hub = services.hubOf(forge);
    const deployment = Number(id);
    const known = hub && (await findDeployment(services.database, { forge, deployment }));
    if (hub === undefined || known === undefined) return undefined;
    return { hub, known, place: { repository, deployment, run: known.run, signal } };
  }

  return {
    apply: async (approval, signal) => {
      try {
        const found = await find(approval, signal);
        return found === undefined ? unknown : await apply(services, found, approval);
      } catch (thrown) {
        return laterOrThrow(thrown, signal);
      }
    },
    // An answer that was lost is looked up by whoever answers again.
    settle: async (approval, signal) => {
      const found = await find(approval, signal);
      if (found === undefined) return unknown;
      const { answer, answeredAt } = found.known;
      return answeredAt !== null && answer === 'approved'
        ? { kind: 'applied', note: null }
        : { kind: 'untouched' };
    },
    // Nothing is held but the request.
    discard: async () => undefined,
  };
}

async function apply(
  services: MergeServices,
  { hub, place, known }: Found,
  approval: Approval,
): Promise<ApplyOutcome> {
  const seen = await lookAtDeployment(services, hub, place);
  const { deployment, verdict } = seen;
  if (deployment.sha !== approval.binding.refUpdates[0]?.newOid)
    return { kind: 'stale', note: 'Another commit than the approved one is deployed.' };
  const why = uncovered(approval, { verdict, objectSetDigest: '', findingsDigest: findingsDigest([]) });
  if (why !== undefined) return { kind: 'stale', note: why };
  await services.audit.append(deployDecided(hub, place, known.request, seen, approval.id));
  const fresh = (await findDeployment(services.database, deploymentKey(hub, place))) ?? known;
  const answered = await answerDeployment(services, hub, place, seen, fresh, {
    answer: 'approved',
    comment: commentOf(approval),
    approval: approval.id,
  });
  if (answered === 'answered') return { kind: 'applied', note: 'GitHub lets it go on.' };
  const note = answered === 'gone' ? 'It waits for nothing any more at GitHub.' : 'It was rejected before.';
  return { kind: 'failed', note };
}

function commentOf({ votes, breakGlass }: Approval): string {
  if (breakGlass !== null) return `Let through in an emergency by ${code(breakGlass.person)}.`;
  const people = votesInForce(votes).filter(({ decision }) => decision === 'approve');
  return `Approved by ${people.map(({ person }) => code(person)).join(', ')}.`;
}

/** What GitHub did not take now is tried again. */
function laterOrThrow(thrown: unknown, signal: AbortSignal): ApplyOutcome {
  const error = asGuardError(thrown, 'internal', "couldn't answer a deployment");
  if (signal.aborted) throw thrown instanceof Error ? thrown : error;
  if (thrown instanceof GithubRefusal)
    return { kind: 'failed', note: `GitHub refused it (${thrown.status}): ${oneLine(thrown.message, 300)}` };
  if (waitedFor.has(error.code) || error.code.startsWith('upstream/'))
    return { kind: 'later', note: `${oneLine(error.message, 300)} [${error.code}]` };
  throw error;
}
