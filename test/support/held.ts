// People, agents and held operations for tests of approvals.
import { randomUUID } from 'node:crypto';
import type { Approval, Vote } from '../../core/approval.ts';
import { type ApprovalBinding, bindingDigest } from '../../core/approval/binding.ts';
import { parseOid } from '../../core/oid.ts';
import type { Grant, Principal, Verb } from '../../core/principal.ts';
import type { ApprovalDraft } from '../../core/services.ts';
import type { ApprovalRequirement } from '../../core/verdict.ts';

export interface PersonOptions {
  readonly groups?: readonly string[];
  readonly owner?: string | null;
  readonly verbs?: readonly Verb[];
  readonly repository?: string;
  readonly kind?: Principal['kind'];
  readonly onBehalfOf?: readonly string[];
  readonly session?: string;
}

/** A person with a token of its own, a reviewer unless it is said otherwise. */
export function person(name: string, options: PersonOptions = {}): Grant {
  const kind = options.kind ?? 'human';
  return {
    principal: {
      kind,
      id: `${kind}:${name}`,
      issuer: 'guard',
      subject: name,
      groups: options.groups ?? ['reviewers'],
      onBehalfOf: options.onBehalfOf ?? [],
      session: options.session ?? `tok-${name}`,
      proof: 'guard-token',
    },
    owner: options.owner === undefined ? `${kind}:${name}` : options.owner,
    scopes: [{ repository: options.repository ?? '**', verbs: [...(options.verbs ?? ['fetch', 'approve'])] }],
  };
}

/** The agent whose pushes are held; it acts for `human:ada`, who answers for its token. */
export const heldAgent: Grant = person('coder', {
  kind: 'agent',
  groups: ['bots'],
  owner: 'human:ada',
  onBehalfOf: ['human:ada'],
  verbs: ['fetch', 'push'],
});

/** An object id made of one hex digit. */
export function oidOf(digit: string) {
  return parseOid(digit.repeat(40), 'sha1')!;
}

export function bindingOf(more: Partial<ApprovalBinding> = {}): ApprovalBinding {
  return {
    kind: 'push',
    repository: 'forge/acme/api',
    refUpdates: [{ ref: 'refs/heads/main', oldOid: oidOf('a'), newOid: oidOf('b') }],
    objectSetDigest: '1'.repeat(64),
    findingsDigest: '2'.repeat(64),
    policyDigest: '3'.repeat(64),
    catalogDigest: '4'.repeat(64),
    actor: heldAgent.principal,
    owner: heldAgent.owner,
    ...more,
  };
}

export function requirementOf(more: Partial<ApprovalRequirement> = {}): ApprovalRequirement {
  return { rule: 'hold-main', approvers: ['group:reviewers'], count: 1, expiresAfter: 3_600, ...more };
}

/** A draft like no other; `binding` says what is bound otherwise than usual. */
export function draftOf(
  more: Partial<ApprovalDraft> = {},
  binding: Partial<ApprovalBinding> = {},
): ApprovalDraft {
  const unique = randomUUID();
  return {
    request: unique,
    binding: bindingOf({
      refUpdates: [{ ref: `refs/heads/${unique}`, oldOid: oidOf('a'), newOid: oidOf('b') }],
      ...binding,
    }),
    held: `held-${unique}`,
    reason: 'because the tests say so',
    holds: [{ rule: 'hold-main', message: 'A push to main waits for a reviewer.' }],
    requirements: [requirementOf()],
    details: { commits: 1 },
    ...more,
  };
}

/** The time of approvals that no database has made. */
export const heldNow = new Date('2026-11-21T12:00:00Z');

/** A waiting request, made a minute ago. */
export function approvalOf(more: Partial<Approval> = {}): Approval {
  const binding = more.binding ?? bindingOf();
  return {
    id: 'ap_test-test-test-test-test',
    request: 'r1',
    binding,
    bindingDigest: bindingDigest(binding),
    held: 'h1',
    reason: null,
    holds: [{ rule: 'hold-main', message: 'It waits.' }],
    details: {},
    requirements: [requirementOf()],
    votes: [],
    breakGlass: null,
    escalated: [],
    state: 'waiting',
    version: 1,
    createdAt: new Date(heldNow.getTime() - 60_000),
    expiresAt: new Date(heldNow.getTime() + 60_000),
    stateAt: heldNow,
    supersededBy: null,
    note: null,
    ...more,
  };
}

/** What a person of this name has said; it agreed unless it is said otherwise. */
export function voteOf(name: string, more: Partial<Vote> = {}): Vote {
  return {
    person: `human:${name}`,
    owner: `human:${name}`,
    session: `tok-${name}`,
    decision: 'approve',
    comment: null,
    meets: [0],
    at: heldNow,
    revokedAt: null,
    ...more,
  };
}
