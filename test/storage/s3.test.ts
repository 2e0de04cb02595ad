// The door to S3 against a server of another make: objects, what is not there, faults, TLS, and what is said of them.
import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openS3Store, type S3Store } from '../../server/s3.ts';
import { Secret } from '../../server/secret.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';

let server: S3Server;
let store: S3Store;
const { signal } = new AbortController();
const body = Buffer.from('{"size":7}\n');

beforeAll(async () => {
  server = await startS3Server();
  store = openS3Store(server.settings);
});
afterAll(async () => {
  store[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

const put = (key: string) => store.put({ key, body, contentType: 'application/x-ndjson' }, signal);

describe('a store', () => {
  test('keeps an object and gives it back, byte for byte', async () => {
    expect(await put('a/b c/1.jsonl')).toBe('created');
    expect(await store.has('a/b c/1.jsonl', signal)).toBe(true);
    expect(Buffer.from((await store.get('a/b c/1.jsonl', 100, signal)) ?? [])).toEqual(body);
    expect(await server.keys()).toContain('a/b c/1.jsonl');
    await expect(store.get('a/b c/1.jsonl', 5, signal)).rejects.toMatchObject({ code: 'storage/failed' });
  });

  test('says what is not there', async () => {
    expect(await store.has('nothing', signal)).toBe(false);
    expect(await store.get('nothing', 100, signal)).toBeUndefined();
    await expect(store.check(signal)).resolves.toBeUndefined();
    expect(await store.keepsLocks(signal)).toBe(false);
  });

  test('asks for a lock, with the checksum that a lock demands, and for an object that is not there yet', async () => {
    const until = new Date('2032-01-01T00:00:00.000Z');
    const lock = { mode: 'compliance', until } as const;
    await store.put({ key: 'locked', body, contentType: 'text/plain', lock, ifAbsent: true }, signal);
    const headers = server.requests.findLast(({ method }) => method === 'PUT')?.headers ?? {};
    expect(headers['x-amz-object-lock-mode']).toBe('COMPLIANCE');
    expect(new Date(String(headers['x-amz-object-lock-retain-until-date']))).toEqual(until);
    expect(headers['content-md5']).toBe(hash('md5', body, 'base64'));
    expect(headers['x-amz-checksum-sha256']).toBe(hash('sha256', body, 'base64'));
    expect(headers['if-none-match']).toBe('*');
  });

  test('tells an object that exists from a failure', async () => {
    server.fault = { status: 412, code: 'PreconditionFailed' };
    const object = { key: 'there', body, contentType: 'text/plain' };
    expect(await store.put({ ...object, ifAbsent: true }, signal)).toBe('exists');
    await expect(store.put(object, signal)).rejects.toMatchObject({ code: 'storage/failed' });
    server.fault = { status: 503, code: 'SlowDown' };
    const asked = server.requests.length;
    await expect(store.put(object, signal)).rejects.toThrow(
      "couldn't put there into the bucket evidence: the object store answered 503, SlowDown",
    );
    expect(server.requests.length - asked).toBe(1);
    server.fault = undefined;
  });

  test('gives up with its signal', async () => {
    server.fault = 'silent';
    await expect(store.check(AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'storage/failed' });
    server.fault = undefined;
  });

  test('is refused with a wrong key, and does not show it', async () => {
    const wrong = new Secret(`wrong-${Math.random()}`);
    const { credentials } = server.settings;
    if (credentials === undefined) throw new Error('no credentials');
    using refused = openS3Store({
      ...server.settings,
      credentials: { ...credentials, secretAccessKey: wrong },
    });
    const failure = await refused.put({ key: 'x', body, contentType: 'text/plain' }, signal).catch(String);
    expect(failure).toContain('403, SignatureDoesNotMatch');
    expect(failure).not.toContain(wrong.reveal());
  });
});

test('a store with a certificate of its own authority is reached with that, and only with that', async () => {
  const certificates = makeCertificates();
  await using tls = await startS3Server(certificates);
  using trusting = openS3Store(tls.settings);
  await trusting.put({ key: 'over-tls', body, contentType: 'text/plain' }, signal);
  expect(await trusting.has('over-tls', signal)).toBe(true);
  const { ca: _ca, ...without } = tls.settings;
  using suspicious = openS3Store(without);
  await expect(suspicious.check(signal)).rejects.toMatchObject({ code: 'storage/failed' });
});
