// Which entries about logs and artifacts give an alert, and what it says; entries of another form give none.
import { expect, test } from 'vitest';
import { signsOf } from '../../core/alert.ts';
import type { AuditAction, AuditEvent } from '../../core/audit-event.ts';
import { agent } from './operations.ts';

const time = new Date('2026-11-21T12:00:00Z');

function stageOf(action: AuditAction, details: AuditEvent['details'], actor: AuditEvent['actor'] = agent) {
  const event = { action, request: 'r', actor, repository: 'hub/acme/app', details: { run: 7, ...details } };
  const alerts = signsOf({ index: 3, time, event }).flatMap((sign) =>
    sign.kind === 'alert' ? [sign.alert] : [],
  );
  return alerts.map(({ kind, details: { stage } }) => `${kind} ${typeof stage === 'string' ? stage : ''}`);
}

test.each<[AuditAction, AuditEvent['details'], readonly string[]]>([
  ['log.scanned', { verdict: 'redact', reasons: [{ rule: 'log-values' }] }, ['exposure open']],
  ['log.scanned', { verdict: 'allow' }, []],
  ['log.scanned', { verdict: 'allow', cut: true }, ['exposure unread']],
  ['artifact.scanned', { verdict: 'deny' }, ['exposure open']],
  ['artifact.unscanned', { code: 'input/invalid' }, ['exposure unread']],
  ['log.deleting', {}, []],
  ['log.deleted', { found: true }, ['exposure closed']],
  ['log.deleted', { found: false }, []],
  ['log.deletion-failed', { tries: 1, final: false }, ['exposure stuck']],
  ['log.deletion-failed', { tries: 2, final: false }, []],
  ['log.deletion-failed', { tries: 6, final: true }, ['exposure stuck']],
  ['log.deletion-failed', { tries: 1, final: true, found: false }, []],
  ['log.scanned', { verdict: 'redact', run: 'x' }, []],
])('%s %j: %j', (action, details, expected) => {
  expect(stageOf(action, details)).toEqual(expected);
});

test('nobody need be known', () => {
  expect(stageOf('log.deletion-failed', { final: true }, null)).toEqual(['exposure stuck']);
});
