// A change in a working copy as the policy is asked about it.
import type { Operation } from '../core/operation.ts';
import type { Finding } from '../scanners/finding.ts';

/** A push by a person that brings nothing but these findings. */
export function localPush(repository: string, findings: readonly Finding[]): Operation {
  return {
    kind: 'push',
    actor: {
      kind: 'human',
      id: 'human:local',
      issuer: 'local',
      subject: 'local',
      groups: [],
      onBehalfOf: [],
      session: 'scan',
      proof: 'guard-token',
    },
    repository,
    refUpdates: [],
    paths: [],
    size: { bytes: 0, objects: 0, commits: 0 },
    foreignAuthors: [],
    findings,
  };
}
