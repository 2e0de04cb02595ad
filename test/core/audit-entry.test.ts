// The bytes of an entry: canonical for every event, within the limit for every size, and read back as they were written.
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entryBytes, eventOf, maxEntryBytes, parseEntry, prepareEvent } from '../../core/audit-entry.ts';
import { auditActions, type AuditEvent, type Json } from '../../core/audit-event.ts';
import type { Principal } from '../../core/principal.ts';

const time = new Date('2026-03-01T12:00:00.000Z');
const actor: Principal = {
  kind: 'agent',
  id: 'agent:release-bot',
  issuer: 'guard',
  subject: 'release-bot',
  groups: ['bots'],
  onBehalfOf: ['alice@example.com'],
  session: 'session-1',
  proof: 'guard-token',
};
const event: AuditEvent = {
  action: 'push.received',
  request: 'request-1',
  actor,
  repository: 'sandbox/demo',
  details: { refs: [{ ref: 'refs/heads/main' }], bytes: 12 },
};

const text = fc.string({ unit: 'binary', maxLength: 30 });
const json = fc.json({ stringUnit: 'binary' }).map((value) => JSON.parse(value) as Json);
const events = fc.record({
  action: fc.constantFrom(...auditActions),
  request: fc.uuid(),
  actor: fc.constantFrom(null, actor),
  repository: fc.oneof(fc.constant(null), text),
  details: fc.dictionary(text, json, { maxKeys: 5 }),
});

test('an entry is canonical JSON and is read back', () => {
  fc.assert(
    fc.property(events, fc.nat(Number.MAX_SAFE_INTEGER), (given, index) => {
      const bytes = entryBytes(prepareEvent(given, time), { index, time });
      const expected = canonicalize({ v: 1, index, time: time.toISOString(), ...given });
      expect(bytes.toString('utf8')).toBe(expected);
      const entry = parseEntry(bytes);
      expect(entry).toBeDefined();
      if (entry !== undefined) expect(canonicalize(eventOf(entry))).toBe(canonicalize(given));
    }),
  );
});

test('a name that is special to JavaScript is a name like others', () => {
  const details = JSON.parse('{"__proto__":{"__proto__":1},"constructor":2}') as typeof event.details;
  const entry = parseEntry(entryBytes(prepareEvent({ ...event, details }, time), { index: 0, time }));
  expect(canonicalize(entry?.details)).toBe('{"__proto__":{"__proto__":1},"constructor":2}');
});

test('where the clock was set back, the entry says what it showed', () => {
  const observed = new Date('2026-03-01T11:00:00.000Z');
  const entry = parseEntry(entryBytes(prepareEvent(event, observed), { index: 3, time }));
  expect(entry).toMatchObject({ index: 3, time: time.toISOString(), observed: observed.toISOString() });
  const usual = parseEntry(entryBytes(prepareEvent(event, time), { index: 3, time }));
  expect(usual).not.toHaveProperty('observed');
});

test.each([
  ['push.received', 'opens'],
  ['push.decided', 'opens'],
  ['push.forwarded', 'closes'],
  ['push.refused', 'closes'],
  ['push.held', 'closes'],
  ['push.unknown', 'closes'],
  ['fetch.served', 'none'],
  ['guard.started', 'none'],
] as const)('%s: %s', (action, effect) => {
  expect(prepareEvent({ ...event, action }, time).effect).toBe(effect);
});

describe('details that are too large', () => {
  const details = { small: 'kept', large: 'x'.repeat(70_000), middle: 'y'.repeat(30_000) };
  const bytes = entryBytes(prepareEvent({ ...event, details }, time), {
    index: Number.MAX_SAFE_INTEGER,
    time,
  });
  const entry = parseEntry(bytes);

  test('are left out, the largest first, and the entry says so', () => {
    expect(bytes.length).toBeLessThanOrEqual(maxEntryBytes);
    expect(entry?.details).toEqual({ small: 'kept', middle: details.middle });
    const full = canonicalize(details) ?? '';
    expect(entry?.truncated).toEqual({
      bytes: Buffer.byteLength(full),
      sha256: createHash('sha256').update(full).digest('hex'),
      omitted: ['large'],
    });
  });

  test('fit whatever they are', () => {
    const many = fc.dictionary(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 0, max: 60_000 }).map((length) => 'é'.repeat(length)),
      { maxKeys: 60 },
    );
    fc.assert(
      fc.property(many, (some) => {
        const stored = entryBytes(prepareEvent({ ...event, details: some }, new Date(0)), {
          index: 2 ** 52,
          time,
        });
        expect(stored.length).toBeLessThanOrEqual(maxEntryBytes);
        const read = parseEntry(stored);
        expect(read).toBeDefined();
        const isWhole = Object.keys(read?.details ?? {}).length === Object.keys(some).length;
        expect(read?.truncated === undefined).toBe(isWhole);
      }),
      { numRuns: 50 },
    );
  });
});

describe('what is no JSON', () => {
  test('lone surrogates become replacement characters', () => {
    const details = { 'k\ud800': ['v\udc00', { deep: '\ud800' }], fine: '😀' };
    const entry = parseEntry(entryBytes(prepareEvent({ ...event, details }, time), { index: 0, time }));
    expect(entry?.details).toEqual({ 'k\ufffd': ['v\ufffd', { deep: '\ufffd' }], fine: '😀' });
  });

  test.each([
    ['a number that JSON has not', { details: { size: Number.NaN } }],
    ['one beside a lone surrogate', { details: { size: Number.NaN, name: '\ud800' } }],
  ])('%s is refused', (_name, change) => {
    expect(() => prepareEvent({ ...event, ...change }, time)).toThrow(
      expect.objectContaining({
        code: 'internal',
        message: "couldn't write the audit event push.received as JSON",
      }),
    );
  });

  test('a request id that the database could not hold is refused', () => {
    for (const request of ['\0', 'x'.repeat(257)]) {
      expect(() => prepareEvent({ ...event, request }, time)).toThrow(
        expect.objectContaining({ message: 'a request id has at most 256 characters and no NUL' }),
      );
    }
  });

  test('an event too large without its details is refused', () => {
    expect(() => prepareEvent({ ...event, repository: 'x'.repeat(70_000) }, time)).toThrow(
      expect.objectContaining({
        code: 'internal',
        message: 'an audit event of 70651 bytes without its details is too large',
      }),
    );
  });
});

describe('what is no entry', () => {
  const good = entryBytes(prepareEvent(event, time), { index: 0, time }).toString('utf8');

  test.each([
    ['other order', good.replace(',"v":1}', '}').replace('{', '{"v":1,')],
    ['white space', `${good} `],
    ['another member', good.replace('"v":1', '"v":1,"w":1')],
    ['another version', good.replace('"v":1', '"v":2')],
    ['an unknown action', good.replace('push.received', 'push.lost')],
    ['a time without milliseconds', good.replace('12:00:00.000Z', '12:00:00Z')],
    ['nothing', ''],
  ])('%s', (_name, changed) => {
    expect(parseEntry(Buffer.from(good))).toBeDefined();
    expect(parseEntry(Buffer.from(changed))).toBeUndefined();
  });

  test('bytes that are not UTF-8', () => {
    const bytes = Buffer.from(good);
    bytes[bytes.indexOf('demo')] = 0xff;
    expect(parseEntry(bytes)).toBeUndefined();
  });
});
