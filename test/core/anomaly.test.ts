// What counts as unusual, at the edges: just enough and just too little.
import { describe, expect, test } from 'vitest';
import type { Actor } from '../../core/activity/service.ts';
import { noCounts } from '../../core/activity/counts.ts';
import {
  baselineOf,
  newRepositories,
  newTraits,
  RefusalRuns,
  unusualHours,
  unusualVolumes,
} from '../../core/report/anomaly.ts';

const period = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-04-01T00:00:00Z') };
const before = new Date('2026-01-01T00:00:00Z');
const within = new Date('2026-03-09T10:00:00Z');

const actor = (firstAt: Date): Actor => ({
  actor: 'agent:bot',
  kind: 'agent',
  firstAt,
  lastAt: within,
  sessions: 2,
  repositories: [
    { repository: 'forge/known', firstAt: before, lastAt: within, counts: noCounts },
    { repository: 'forge/new', firstAt: within, lastAt: within, counts: { ...noCounts, entries: 3 } },
  ],
  traits: [
    { kind: 'address', value: '192.0.2.1', firstAt: before, lastAt: within, entries: 9 },
    { kind: 'address', value: '192.0.2.2', firstAt: within, lastAt: within, entries: 2 },
    { kind: 'owner', value: 'human:ada', firstAt: within, lastAt: within, entries: 1 },
    { kind: 'person', value: 'human:later', firstAt: period.to, lastAt: period.to, entries: 1 },
  ],
});

test('the time before is the ninety days up to the period', () => {
  expect(baselineOf(period)).toEqual({ from: new Date('2025-12-01T00:00:00Z'), to: period.from });
});

describe('what is new', () => {
  test('is told of an agent that was known before, with what it is compared with', () => {
    expect(newRepositories(actor(before), period)).toMatchObject([
      {
        kind: 'new-repository',
        at: '2026-03-09T10:00:00.000Z',
        what: 'First time in forge/new.',
        numbers: { repositoriesBefore: 1, entries: 3 },
      },
    ]);
    expect(
      newTraits(actor(before), period).map(({ kind, numbers }) => [kind, numbers['knownBefore']]),
    ).toEqual([
      ['new-address', 1],
      ['new-owner', 0],
    ]);
  });

  test('is not told of an agent that is new itself', () => {
    expect(newRepositories(actor(period.from), period)).toEqual([]);
    expect(newTraits(actor(period.from), period)).toEqual([]);
  });
});

describe('hours', () => {
  const hours = (counts: Readonly<Record<number, number>>): readonly number[] =>
    Array.from({ length: 24 }, (_none, hour) => counts[hour] ?? 0);

  test('that were hardly ever used before are told with their numbers', () => {
    expect(unusualHours(hours({ 9: 100, 2: 0, 3: 1 }), hours({ 9: 5, 2: 3, 3: 1 }), period)).toMatchObject([
      {
        what: '3 attempts between 02:00 and 03:00 UTC; of 101 in the 90 days before, 0 were.',
        numbers: { hour: 2, attempts: 3, before: 0, allBefore: 101 },
      },
      { numbers: { hour: 3, attempts: 1, before: 1 } },
    ]);
  });

  test('with one per cent of the time before are usual', () => {
    expect(unusualHours(hours({ 9: 99, 3: 1 }), hours({ 3: 4 }), period)).toEqual([]);
  });

  test('are not judged by fewer than fifty attempts', () => {
    expect(unusualHours(hours({ 9: 49 }), hours({ 2: 9 }), period)).toEqual([]);
  });
});

describe('volumes', () => {
  const days = (...counts: readonly number[]) =>
    counts.map((attempts, at) => ({ day: `2026-02-${String(at + 1).padStart(2, '0')}`, attempts }));
  const usual = days(10, 12, 8, 10, 11, 9, 10);

  test('beyond the limit are told with it', () => {
    // Median 10, median absolute deviation 1: 10 + 6 × 1.4826 is 19 rounded up, and 20 is the least.
    expect(unusualVolumes(usual, days(20, 21))).toMatchObject([
      { at: '2026-02-02T00:00:00.000Z', numbers: { attempts: 21, median: 10, limit: 20, daysBefore: 7 } },
    ]);
  });

  test('are not judged by fewer than seven days', () => {
    expect(unusualVolumes(usual.slice(1), days(900))).toEqual([]);
  });
});

describe('refusals', () => {
  const at = (minute: number): Date => new Date(within.getTime() + minute * 60_000);
  const runs = (...minutes: readonly number[]) => {
    const found = new RefusalRuns();
    for (const minute of minutes) found.add(at(minute), minute % 2 === 0 ? 'forge/a' : 'forge/b');
    return found.end();
  };

  test('that come close together are told once', () => {
    expect(runs(0, 10, 21, 30, 88)).toMatchObject([
      {
        at: '2026-03-09T10:00:00.000Z',
        what: '5 refusals by the policy within 88 minutes, in forge/a, forge/b.',
        numbers: { refusals: 5, minutes: 88 },
      },
    ]);
  });

  test('with an hour between them are not', () => {
    expect(runs(0, 10, 20, 30, 90)).toEqual([]);
    expect(runs(0, 10, 20, 30)).toEqual([]);
  });

  test('are told for each run', () => {
    expect(
      runs(0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 105).map(({ numbers }) => numbers['refusals']),
    ).toEqual([5, 6]);
  });
});
