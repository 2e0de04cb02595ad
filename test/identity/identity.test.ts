// Guard tokens on a real PostgreSQL: issued, proved, expired, revoked, recorded.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import { refusalOf } from '../../core/identity-refusal.ts';
import type { Presented } from '../../core/services.ts';
import { openDatabase, type Database, type Queryable } from '../../server/db.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/embedded-postgres.ts';
import { mintToken } from '../../server/identity/guard-token.ts';
import { createIdentity } from '../../server/identity/part.ts';
import type { Identity } from '../../server/identity/service.ts';
import { createTokenOffice, type TokenOffice, type TokenRequest } from '../../server/identity/tokens.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
let postgres: EmbeddedPostgres;
let database: Database;

beforeAll(async () => {
  directory = await temporaryDirectory('identity');
  postgres = await startEmbeddedPostgres({ dataDir: directory.path });
  database = await openDatabase(postgres.url);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await postgres.stop();
  await directory.remove();
});

const start = new Date('2026-11-21T12:00:00Z');
let now = start;
const clock = { now: () => now };
let events: AuditEvent[] = [];
let auditWorks = true;
const audit = {
  append: async (event: AuditEvent) => {
    if (!auditWorks) throw new GuardError('audit/unavailable', "couldn't append");
    events.push(event);
    return { index: events.length - 1 };
  },
};
let office: TokenOffice;

beforeEach(async () => {
  now = start;
  events = [];
  auditWorks = true;
  await database.query('delete from guard_token');
  office = createTokenOffice({ database, clock, maxLifetime: 90 * 86_400 });
});

const request: TokenRequest = {
  kind: 'agent',
  name: 'coder',
  owner: 'human:ada',
  purpose: 'tests',
  groups: ['bots'],
  onBehalfOf: ['human:ada'],
  scopes: [{ repository: 'github/acme/*', verbs: ['fetch', 'push'] }],
  lifetime: 3_600,
  issuedBy: 'local:test',
};

async function issue(more: Partial<TokenRequest> = {}): Promise<{ id: string; token: string }> {
  const { token, record } = await office.issue({ ...request, ...more });
  return { id: record.id, token: token.reveal() };
}

const bearer = (token: string): Presented => ({ authorization: `Bearer ${token}`, address: '192.0.2.1' });

async function refusal(
  identity: Identity,
  token: string,
): Promise<[string, string | undefined, string | undefined]> {
  const error: unknown = await identity.authenticate(bearer(token)).catch((thrown: unknown) => thrown);
  if (!(error instanceof GuardError)) return ['accepted', undefined, undefined];
  expect(error.message).toBe('the token was not accepted');
  return [error.code, refusalOf(error)?.reason, refusalOf(error)?.token];
}

describe('a token', () => {
  test('proves its principal', async () => {
    await using identity = createIdentity({ database, clock, audit });
    const { id, token } = await issue();
    const basic = `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}`;
    for (const header of [basic, `Bearer ${token}`, `token ${token}`]) {
      expect(await identity.authenticate({ authorization: header, address: '' })).toEqual({
        principal: {
          kind: 'agent',
          id: 'agent:coder',
          issuer: 'guard',
          subject: 'coder',
          groups: ['bots'],
          onBehalfOf: ['human:ada'],
          session: id,
          proof: 'guard-token',
        },
        owner: 'human:ada',
        scopes: request.scopes,
        expiresAt: new Date(start.getTime() + 3_600_000),
      });
    }
  });

  test('is not in the database, nor in what is recorded', async () => {
    await using identity = createIdentity({ database, clock, audit });
    const { token } = await issue();
    await identity.authenticate(bearer(token));
    const rows = await database.query('select * from guard_token');
    expect(JSON.stringify([rows, await office.list(), events])).not.toContain(token.slice(3, 20));
  });

  test('that is unknown, expired, revoked or malformed is refused alike, and told apart for the audit log', async () => {
    await using identity = createIdentity({ database, clock, audit });
    const expiring = await issue();
    const revoked = await issue();
    await office.revoke(revoked.id, 'human:ada');
    now = new Date(start.getTime() + 3_600_000);
    expect(await refusal(identity, mintToken())).toEqual(['identity/invalid', 'unknown', undefined]);
    expect(await refusal(identity, expiring.token)).toEqual(['identity/invalid', 'expired', expiring.id]);
    expect(await refusal(identity, revoked.token)).toEqual(['identity/invalid', 'revoked', revoked.id]);
    expect(await refusal(identity, 'eyJhbGciOiJub25lIn0.e30.')).toEqual([
      'identity/invalid',
      'unknown-issuer',
      undefined,
    ]);
    expect(await refusal(identity, 'fg_x')).toEqual(['identity/invalid', 'bad-checksum', undefined]);
  });

  test('expires also while it is remembered', async () => {
    await using identity = createIdentity({ database, clock, audit });
    const { token } = await issue();
    expect((await refusal(identity, token))[0]).toBe('accepted');
    now = new Date(start.getTime() + 3_600_000);
    expect((await refusal(identity, token))[1]).toBe('expired');
  });

  test('that is revoked stops working within a second', async () => {
    await using identity = createIdentity({ database, clock, audit });
    const { id, token } = await issue();
    expect((await refusal(identity, token))[0]).toBe('accepted');
    await office.revoke(id, 'human:ada');
    await sleep(1_050);
    expect((await refusal(identity, token))[1]).toBe('revoked');
  });

  test('costs one query however many requests come at once', async () => {
    let queries = 0;
    const counting: Queryable = {
      query: async <Row extends object>(sql: string, values?: readonly unknown[]) => {
        queries++;
        return database.query<Row>(sql, values);
      },
    };
    await using identity = createIdentity({ database: counting, clock, audit });
    const { token } = await issue();
    await identity.upkeep();
    queries = 0;
    await Promise.all(Array.from({ length: 50 }, () => identity.authenticate(bearer(token))));
    await identity.authenticate(bearer(token));
    expect(queries).toBe(1);
  });

  test('is noted as used, off the path of requests', async () => {
    await using identity = createIdentity({ database, clock, audit });
    const { token } = await issue();
    await identity.authenticate(bearer(token));
    expect((await office.list())[0]?.lastUse).toBeNull();
    await identity.upkeep();
    expect((await office.list())[0]?.lastUse).toEqual(start);
  });
});

describe('the audit log', () => {
  test('holds the creation before the token is honoured, once', async () => {
    await using identity = createIdentity({ database, clock, audit });
    const { id, token } = await issue();
    auditWorks = false;
    await expect(identity.authenticate(bearer(token))).rejects.toMatchObject({
      code: 'audit/unavailable',
    });
    auditWorks = true;
    await identity.authenticate(bearer(token));
    await identity.upkeep();
    expect(events).toMatchObject([
      {
        action: 'token.created',
        details: {
          token: id,
          principal: 'agent:coder',
          owner: 'human:ada',
          purpose: 'tests',
          issuedBy: 'local:test',
        },
      },
    ]);
  });

  test('learns of creations and revocations that were made elsewhere', async () => {
    const { id } = await issue();
    await office.revoke(id, 'local:root');
    await office.revoke(id, 'somebody else');
    await using identity = createIdentity({ database, clock, audit });
    await identity.upkeep();
    await identity.upkeep();
    expect(events.map(({ action, details }) => [action, details['revokedBy']])).toEqual([
      ['token.created', undefined],
      ['token.revoked', 'local:root'],
    ]);
  });
});

describe('the token office', () => {
  test.each([
    [{ lifetime: 91 * 86_400 }, /90 days at most/],
    [{ lifetime: 1 }, /lifetime/],
    [{ owner: 'ada' }, /owner: expected an id/],
    [{ purpose: ' ' }, /purpose/],
    [{ scopes: [] }, /scopes/],
    [{ scopes: [{ repository: '!x', verbs: ['push' as const] }] }, /scopes\.0\.repository/],
    [{ name: 'a b' }, /name/],
  ])('refuses %j', async (more, message) => {
    const error: unknown = await office.issue({ ...request, ...more }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'input/invalid' });
    expect((error as GuardError).message).toMatch(message);
    expect(await office.list()).toEqual([]);
  });

  test('keeps to the configured lifetime', async () => {
    const strict = createTokenOffice({ database, clock, maxLifetime: 3_599 });
    await expect(strict.issue(request)).rejects.toMatchObject({ code: 'input/invalid' });
  });

  test('lists what it knows and refuses to revoke what it does not', async () => {
    const { id } = await issue();
    expect(await office.list()).toMatchObject([
      { id, principal: 'agent:coder', revokedAt: null, scopes: request.scopes },
    ]);
    await expect(office.revoke('tok-0', 'x')).rejects.toMatchObject({ code: 'token/unknown' });
    expect(await office.revoke(id, 'x')).toMatchObject({ id, revokedAt: start, revokedBy: 'x' });
  });
});
