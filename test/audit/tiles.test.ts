// The log over HTTP: a stranger who knows the specification and the verifier key reads it whole and gets the signed root;
// who has no right to it gets nothing, and what was read is on record.
import { gunzipSync } from 'node:zlib';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseEntry } from '../../core/audit-entry.ts';
import { openCheckpoint } from '../../core/checkpoint.ts';
import type { Verb } from '../../core/principal.ts';
import type { DurableAuditLog } from '../../server/audit/log.ts';
import { auditRoutes } from '../../server/audit/routes.ts';
import { readEntries } from '../../server/audit/store.ts';
import { createHttpServer } from '../../server/http.ts';
import { createIdentity } from '../../server/identity/part.ts';
import { createTokenOffice } from '../../server/identity/tokens.ts';
import { auditBench, type AuditBench, auditEvents } from '../support/audit.ts';
import { readWholeLog } from '../support/tile-reader.ts';

interface Scene extends AsyncDisposable {
  readonly bench: AuditBench;
  readonly log: DurableAuditLog;
  readonly http: FastifyInstance;
  /** The value of the Authorization header. */
  token(repository: string, verb: Verb): Promise<string>;
}

async function startScene(publicProofs = false): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const bench = stack.use(await auditBench());
  const log = stack.use(await bench.open({ origin: 'guard.example.com/audit' }));
  const { database } = bench;
  const clock = { now: () => new Date() };
  const identity = stack.use(createIdentity({ database, clock, audit: log }));
  const office = createTokenOffice({ database, clock, maxLifetime: 86_400 });
  const http = createHttpServer({ log: { write: () => undefined }, checkReady: async () => undefined });
  stack.defer(() => http.close());
  await http.register(auditRoutes, { database, identity, audit: log, publicProofs });
  const opened = stack.move();
  return {
    bench,
    log,
    http,
    token: async (repository, verb) => {
      const { token } = await office.issue({
        kind: 'human',
        name: 'auditor',
        groups: [],
        onBehalfOf: [],
        scopes: [{ repository, verbs: [verb] }],
        owner: 'human:auditor',
        purpose: 'test',
        issuedBy: 'test',
        lifetime: 3_600,
      });
      return `Bearer ${token.reveal()}`;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function appendMany(log: DurableAuditLog, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1_000)
    await Promise.all(auditEvents(Math.min(1_000, left)).map((event) => log.append(event)));
}

function get(
  http: FastifyInstance,
  path: string,
  authorization?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<LightMyRequestResponse> {
  const headers = authorization === undefined ? more : { authorization, ...more };
  return http.inject({ method: 'GET', url: `/audit/${path}`, headers });
}

describe('a reader with the right to it', () => {
  test.each([0, 1, 255, 256, 600, 66_000])('reads a log of %i entries and more', async (count) => {
    await using scene = await startScene();
    await appendMany(scene.log, count);
    const token = await scene.token('**', 'audit');
    const signed = await get(scene.http, 'checkpoint', token);
    expect(signed.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
    });
    const checkpoint = openCheckpoint(signed.body, await scene.bench.key());
    // The token's creation is an entry as well.
    expect(checkpoint?.size).toBe(count + 1);
    const fetchTile = async (path: string): Promise<Buffer> => {
      const response = await get(scene.http, path, token);
      expect(response.statusCode, path).toBe(200);
      expect(response.headers['cache-control']).toBe('private, max-age=31536000, immutable');
      expect(response.headers['content-type']).toBe('application/octet-stream');
      return response.rawPayload;
    };
    const { entries, root } = await readWholeLog(fetchTile, count + 1);
    expect(root.equals(Buffer.from(checkpoint?.root ?? []))).toBe(true);
    expect(entries.length).toBe(count + 1);
    expect(parseEntry(entries.at(-1) ?? Buffer.of())?.action).toBe('token.created');
  });

  test('gets entries compressed where the client can', async () => {
    await using scene = await startScene();
    await appendMany(scene.log, 300);
    const token = await scene.token('**', 'audit');
    const plain = await get(scene.http, 'tile/entries/000', token);
    const packed = await get(scene.http, 'tile/entries/000', token, { 'accept-encoding': 'gzip, deflate' });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 3);
    expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true);
  });

  test('is on record before the entries are sent', async () => {
    await using scene = await startScene();
    await appendMany(scene.log, 300);
    const token = await scene.token('**', 'audit');
    const response = await get(scene.http, 'tile/entries/001.p/10', token);
    expect(response.statusCode).toBe(200);
    const last = (await readEntries(scene.bench.database, 301, 10)).map(({ body }) => parseEntry(body));
    expect(last).toMatchObject([
      {
        action: 'audit.read',
        request: response.headers['x-request-id'],
        actor: { id: 'human:auditor' },
        details: { by: 'http', first: 256, entries: 10 },
      },
    ]);
    // Hashes tell nobody anything; they are read without a word.
    await get(scene.http, 'tile/0/000', token);
    expect(scene.log.head.size).toBe(302);
  });

  test('gets nothing where the record of it cannot be made', async () => {
    await using scene = await startScene();
    await appendMany(scene.log, 10);
    const token = await scene.token('**', 'audit');
    expect((await get(scene.http, 'checkpoint', token)).statusCode).toBe(200);
    await scene.bench.tamper('alter table audit_checkpoint add check (false) not valid');
    const response = await get(scene.http, 'tile/entries/000.p/5', token);
    expect(response.statusCode).toBe(503);
    expect(response.body).toContain('audit/unavailable');
  });
});

describe('who gets nothing', () => {
  const paths = [
    'checkpoint',
    'cosigned',
    'tile/0/000.p/5',
    'tile/entries/000.p/5',
    'tile/0/999',
    'tile/nonsense',
  ];

  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene();
    await appendMany(scene.log, 100);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test.each(paths)('nobody: %s', async (path) => {
    expect((await get(scene.http, path)).statusCode).toBe(401);
  });

  test.each([
    ['**', 'fetch'],
    ['forge/team/*', 'audit'],
    ['*', 'audit'],
  ] as const)('a token for %s with the verb %s', async (repository, verb) => {
    const token = await scene.token(repository, verb);
    for (const path of paths) {
      const response = await get(scene.http, path, token);
      expect(response.statusCode, path).toBe(403);
      expect(response.body).toContain('identity/forbidden');
    }
    const [last] = await readEntries(scene.bench.database, scene.log.head.size - 1, 1);
    expect(parseEntry(last?.body ?? Buffer.of())).toMatchObject({
      action: 'audit.refused',
      actor: { id: 'human:auditor' },
    });
  });

  test.each([
    'cosigned',
    'tile/0/001',
    'tile/0/000',
    'tile/0/000.p/200',
    'tile/1/000.p/1',
    'tile/7/000',
    'tile/63/000.p/1',
    'tile/entries/000.p/200',
    'tile/entries/x999/x999/x999/x999/999',
    'tile/0/000.p/256',
    'tile/',
    'tile/0/..%2f000',
  ])('anybody who asks for what is not there: %s', async (path) => {
    const response = await get(scene.http, path, await scene.token('**', 'audit'));
    expect(response.statusCode).toBe(404);
    expect(response.body).toContain('audit/not-found');
  });
});

test('with public proofs everybody reads checkpoint and hashes, and nobody entries', async () => {
  await using scene = await startScene(true);
  expect((await get(scene.http, 'checkpoint')).statusCode).toBe(404);
  await appendMany(scene.log, 300);
  expect((await get(scene.http, 'checkpoint')).statusCode).toBe(200);
  const tile = await get(scene.http, 'tile/0/000');
  expect(tile).toMatchObject({ statusCode: 200 });
  expect(tile.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect((await get(scene.http, 'tile/entries/000')).statusCode).toBe(401);
  expect((await get(scene.http, 'tile/nonsense')).statusCode).toBe(401);
});
