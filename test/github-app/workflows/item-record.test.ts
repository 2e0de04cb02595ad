// What the entries about a log or an artifact come to, wherever a guard has stopped writing them.
import { expect, test } from 'vitest';
import type { AuditAction, AuditEvent } from '../../../core/audit-event.ts';
import type { RecordedEvent } from '../../../core/services.ts';
import { readRecord } from '../../../github-app/workflows/item-record.ts';
import { agent } from '../../core/operations.ts';

const where = { run: 7, attempt: 2, job: 8, title: 'build', head: 'abc', startedBy: 'robo-1' };

function entries(
  ...told: readonly (readonly [AuditAction, AuditEvent['details']])[]
): readonly RecordedEvent[] {
  return told.map(([action, details], index) => ({
    index,
    time: new Date(Date.UTC(2026, 10, 21, 12, index)),
    event: {
      action,
      request: 'r',
      actor: agent,
      repository: 'hub/acme/app',
      details: { ...where, ...details },
    },
  }));
}

const found = ['log.scanned', { verdict: 'redact', exposedSince: '2026-11-21T11:00:00.000Z' }] as const;
const part = (number: number, last: boolean) =>
  ['evidence.kept', { part: number, last, digest: `d${number}` }] as const;
const deleting = ['log.deleting', { tries: 1 }] as const;
const failed = (code: string) => ['log.deletion-failed', { code, tries: 1 }] as const;
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 12, minute));

test('nothing is known without an entry', () => {
  expect(readRecord('log', [])).toBeUndefined();
});

test('who is behind it and what it is are as in the first entry', () => {
  const record = readRecord('log', entries(found, deleting));
  expect(record).toMatchObject({
    identity: { kind: 'log', request: 'r', actor: agent, repository: 'hub/acme/app', where },
    attempt: 2,
    exposedSince: new Date('2026-11-21T11:00:00.000Z'),
  });
});

test.each([
  [[found], { state: 'found', isScanned: true, isKept: false, announcedAt: undefined, isDeleted: false }],
  [[['log.scanned', { verdict: 'allow' }]], { state: 'clean', exposedSince: null }],
  [[['log.scanned', { verdict: 'allow', cut: true }]], { state: 'unread', isScanned: true }],
  [[['log.unscanned', { code: 'gone' }]], { state: 'absent', isScanned: false }],
  [[['log.unscanned', { code: 'scan/failed' }]], { state: 'unread', isScanned: false }],
  [[found, part(1, false)], { isKept: false }],
  [[found, part(1, false), part(1, false), part(2, true)], { isKept: true }],
  [[found, part(1, true), deleting], { announcedAt: at(2), failures: 0, isDeleted: false }],
  [[found, deleting, failed('github/403')], { announcedAt: undefined, failures: 1, seenAt: at(2) }],
  [[found, deleting, failed('run-restarted')], { announcedAt: undefined, failures: 0 }],
  [[found, deleting, failed('given-up')], { failures: 0, isGivenUp: true }],
  [[found, deleting, ['log.deleted', {}]], { announcedAt: undefined, isDeleted: true, seenAt: at(1) }],
] as const)('%j', (told, expected) => {
  expect(readRecord('log', entries(...told))).toMatchObject(expected);
});

test('the list of the files of an artifact is one document', () => {
  const list = entries(['artifact.scanned', { verdict: 'deny' }], ['evidence.kept', { digest: 'd' }]);
  expect(readRecord('artifact', list)).toMatchObject({ state: 'found', isKept: true });
});
