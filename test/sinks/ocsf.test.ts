// Entries as OCSF events, against the published schema of the version that they name.
import { describe, expect, test } from 'vitest';
import { auditActions, type AuditEvent } from '../../core/audit-event.ts';
import type { Principal } from '../../core/principal.ts';
import { ocsfEvent } from '../../server/sinks/ocsf.ts';
import { ocsfProblems } from '../support/ocsf/schema.ts';
import { leafOf, shippedEntry } from '../support/shipped.ts';

const now = new Date('2026-03-01T12:00:00.000Z');
const log = 'guard.example.org/audit';
const agent: Principal = {
  kind: 'agent',
  id: 'agent:release-bot',
  issuer: 'guard',
  subject: 'release-bot',
  groups: ['bots'],
  onBehalfOf: ['human:ada@example.org'],
  session: 'tk_1',
  proof: 'guard-token',
};

const details: Readonly<Record<string, AuditEvent['details']>> = {
  'push.received': { address: '192.0.2.7', refUpdates: [], userAgent: 'git/2.43' },
  'push.decided': {
    verdict: 'deny',
    criticalFindings: 1,
    policyDigest: 'a'.repeat(64),
    findings: [{ rule: 'phi/ssn', identifier: 'ssn', path: 'data/patients.csv', masked: '***-**-****' }],
  },
  'push.refused': { by: 'policy', code: 'denied' },
  'token.created': { token: 'tk_2', principal: 'agent:x', scopes: ['**:push', { verbs: ['fetch'] }] },
  'token.revoked': { token: 'tk_2', principal: 'agent:x', revokedBy: 'human:ada' },
  'policy.loaded': { digest: 'b'.repeat(64), source: 'file', text: 'rules: []' },
  'approval.voted': { approval: 'ap_1', comment: 'fine' },
};

const eventOf = (action: AuditEvent['action'], actor: Principal | null): AuditEvent => ({
  action,
  request: 'request-1',
  actor,
  repository: action.startsWith('guard.') ? null : 'github/acme/app',
  details: details[action] ?? {},
});

describe('an entry as an event', () => {
  test.each(auditActions)('%s is valid, with an actor and without', (action) => {
    for (const actor of [agent, { ...agent, kind: 'human' } as const, null]) {
      expect(ocsfProblems(ocsfEvent(log, shippedEntry(eventOf(action, actor)), now))).toEqual([]);
    }
  });

  test('brings what proves it', () => {
    const item = shippedEntry(eventOf('push.decided', agent), 41);
    const event = ocsfEvent(log, item, now) as {
      raw_data: string;
      unmapped: object;
      metadata: object;
      file: object;
      [key: string]: unknown;
    };
    expect(event).toMatchObject({
      class_uid: 2006,
      severity_id: 5,
      action_id: 2,
      disposition_id: 2,
      status_id: 1,
      time: Date.parse('2026-03-01T12:00:00.123Z'),
      finding_info: { uid: `${log}/41`, types: ['ssn'] },
      file: { name: 'patients.csv', path: 'data/patients.csv' },
      metadata: {
        version: '1.8.0',
        uid: `${log}/41`,
        sequence: 41,
        log_name: log,
        correlation_uid: 'request-1',
      },
      unmapped: { seq: 41, log, leaf: leafOf(Buffer.from(event.raw_data)).toString('base64') },
    });
  });

  test('is valid as well where its texts are sealed', () => {
    const sealed = { sealed: 0 };
    const findings = [{ rule: 'phi/ssn', identifier: 'ssn', path: sealed }];
    const event = eventOf('push.decided', agent);
    const item = shippedEntry({
      ...event,
      details: { ...event.details, findings, address: sealed, reason: sealed },
    });
    const made = ocsfEvent(log, item, now);
    expect(ocsfProblems(made)).toEqual([]);
    expect(made).toMatchObject({ class_uid: 2006, finding_info: { types: ['ssn'] } });
  });

  test.each([
    ['guard.started', 600203],
    ['identity.refused', 300201],
    ['token.created', 300501],
    ['token.revoked', 300502],
    ['policy.loaded', 300403],
    ['approval.requested', 300401],
    ['approval.voted', 300403],
    ['fetch.served', 600302],
    ['push.refused', 600303],
    ['push.decided', 200601],
    ['audit.read', 600302],
    ['audit.sink-failed', 600299],
  ] as const)('%s is of type %i', (action, type) => {
    const event = ocsfEvent(log, shippedEntry(eventOf(action, agent)), now);
    expect((event as { type_uid: number }).type_uid).toBe(type);
  });

  test.each([
    ['push.refused', 2],
    ['audit.sink-failed', 2],
    ['audit.sink-resumed', 1],
    ['push.unknown', 0],
    ['push.forwarded', 1],
    ['approval.denied', 2],
  ] as const)('%s has the status %i', (action, status) => {
    const event = ocsfEvent(log, shippedEntry(eventOf(action, agent)), now);
    expect((event as { status_id: number }).status_id).toBe(status);
  });

  test('so are checkpoints and stretches that are left out', () => {
    const hash = new Uint8Array(32);
    const edge = { size: 3, nodes: [hash, hash] };
    const items = [
      { kind: 'checkpoint', size: 9, note: 'x\n9\nAA==\n\n', edge },
      { kind: 'skipped', from: 3, past: 4, nodes: [hash], why: 'filter' },
    ] as const;
    for (const item of items) expect(ocsfProblems(ocsfEvent(log, item, now))).toEqual([]);
  });

  test('the checker finds what is wrong', () => {
    const event = ocsfEvent(log, shippedEntry(eventOf('push.decided', agent)), now) as object;
    const wrong: readonly object[] = [
      { ...event, severity_id: 7 },
      { ...event, activity_id: 9 },
      { ...event, finding_info: {} },
      { ...event, invented: 1 },
      { ...event, metadata: { version: '1.8.0' } },
      { ...event, class_uid: 9999 },
    ];
    for (const one of wrong) expect(ocsfProblems(one)).not.toEqual([]);
  });
});
