// Operations for tests of the policy: whole ones with harmless defaults, and random ones.
import fc from 'fast-check';
import { severities, type Finding } from '../../scanners/finding.ts';
import { parseOid, zeroOid } from '../../core/oid.ts';
import {
  operations,
  refUpdateKinds,
  type Operation,
  type PathChange,
  type RefUpdate,
} from '../../core/operation.ts';
import type { Principal } from '../../core/principal.ts';

export const agent: Principal = {
  kind: 'agent',
  id: 'agent:coder',
  issuer: 'guard',
  subject: 'coder',
  groups: ['bots'],
  onBehalfOf: ['human:ada'],
  session: 'tok-1',
  proof: 'guard-token',
};

export const human: Principal = {
  ...agent,
  kind: 'human',
  id: 'human:ada',
  groups: ['staff'],
  onBehalfOf: [],
};

export function refUpdate(
  ref: string,
  kind: RefUpdate['kind'] = 'update',
  isDefaultBranch = false,
): RefUpdate {
  return { ref, kind, isDefaultBranch, oldOid: zeroOid('sha1'), newOid: parseOid('1'.repeat(40), 'sha1')! };
}

export function changed(path: string, more: Partial<PathChange> = {}): PathChange {
  return { path, change: 'modify', mode: '100644', ref: 'refs/heads/topic', ...more };
}

export function finding(more: Partial<Finding> = {}): Finding {
  return {
    rule: 'phi/name',
    category: 'phi',
    identifier: 'name',
    severity: 'high',
    confidence: 0.9,
    path: 'data/a.csv',
    line: 3,
    column: 1,
    endLine: 3,
    endColumn: 5,
    byteStart: 40,
    byteEnd: 44,
    masked: '****',
    fingerprint: 'a'.repeat(32),
    message: 'A name.',
    ...more,
  };
}

export function push(more: Partial<Operation> = {}): Operation {
  return {
    kind: 'push',
    actor: agent,
    repository: 'github/acme/api',
    refUpdates: [refUpdate('refs/heads/topic')],
    paths: [],
    size: { bytes: 100, objects: 3, commits: 1 },
    foreignAuthors: [],
    findings: [],
    ...more,
  };
}

const ref = fc.constantFrom('refs/heads/main', 'refs/heads/topic', 'refs/heads/release/1', 'refs/tags/v1');
const path = fc.constantFrom(
  '.github/workflows/ci.yml',
  'src/a.ts',
  'db/migrations/1.sql',
  'Dockerfile',
  'docs/a.md',
);

export const randomOperation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(...operations),
  actor: fc.constantFrom(agent, human),
  repository: fc.constantFrom('github/acme/api', 'gitea/x/y'),
  refUpdates: fc.array(
    fc
      .tuple(ref, fc.constantFrom(...refUpdateKinds), fc.boolean())
      .map(([name, kind, isDefault]) => refUpdate(name, kind, isDefault)),
    { maxLength: 3 },
  ),
  paths: fc.array(
    fc
      .tuple(
        path,
        ref,
        fc.constantFrom('add', 'modify', 'delete'),
        fc.constantFrom('100644', '120000', '160000'),
      )
      .map(([name, on, change, mode]) => changed(name, { ref: on, change, mode })),
    { maxLength: 4 },
  ),
  size: fc.record({ bytes: fc.nat(200), objects: fc.nat(20), commits: fc.nat(5) }),
  foreignAuthors: fc.subarray(['eve@example.org']),
  findings: fc.array(
    fc
      .record({
        rule: fc.constantFrom('phi/name', 'phi/ssn', 'secret/aws-secret-key', 'policy/unscannable'),
        category: fc.constantFrom('phi', 'secret', 'policy'),
        severity: fc.constantFrom(...severities),
        confidence: fc.constantFrom(0.3, 0.7, 0.85, 1),
        path: fc.constantFrom('data/a.csv', 'fixtures/b.csv', 'src/a.ts'),
        fingerprint: fc.constantFrom('a'.repeat(32), 'b'.repeat(32)),
      })
      .map(finding),
    { maxLength: 4 },
  ),
});
