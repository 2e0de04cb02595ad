// Downloads from a storage: no credential, bounded, and only by https where GitHub's API is.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGithubStorage } from '../../../github-app/workflows/storage.ts';

let base: string;
let asked: readonly string[] = [];
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  asked = [...asked, request.url ?? ''];
  const answers: Readonly<Record<string, () => unknown>> = {
    '/log': () => response.end('0123456789'),
    '/around': () => response.writeHead(302, { location: '/around' }).end(),
    '/moved': () => response.writeHead(307, { location: `${base}/log` }).end(),
    '/gone': () => response.writeHead(404).end('BlobNotFound'),
    '/down': () => response.writeHead(503).end(),
    '/away': () => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  };
  answers[request.url ?? '']?.();
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const never = new AbortController().signal;

async function read(path: string, most = 1_000, apiUrl = base): Promise<readonly [string, boolean]> {
  await using storage = createGithubStorage({ apiUrl, ca: undefined });
  const reading = storage.read(new URL(path, base), most, never);
  let text = '';
  for (let next = await reading.next(); ; next = await reading.next()) {
    if (next.done === true) return [text, next.value.isCut];
    text += Buffer.from(next.value).toString();
  }
}

test('what is there is read, also behind a redirect', async () => {
  expect(await read('/log')).toEqual(['0123456789', false]);
  expect(await read('/moved')).toEqual(['0123456789', false]);
});

test('no more is read than is asked for, and that is told', async () => {
  expect(await read('/log', 4)).toEqual(['0123', true]);
  expect(await read('/log', 10)).toEqual(['0123456789', false]);
});

test.each([
  ['/gone', { status: 404 }],
  ['/down', { code: 'upstream/unreachable' }],
  ['/around', { code: 'upstream/invalid' }],
  ['/away', { code: 'upstream/invalid' }],
])('%s is told as what it is', async (path, expected) => {
  await expect(read(path)).rejects.toMatchObject(expected);
});

test('where the API is asked by https, nothing is asked without', async () => {
  const before = asked.length;
  await expect(read('/log', 10, 'https://api.github.com')).rejects.toMatchObject({
    code: 'upstream/invalid',
  });
  expect(asked.length).toBe(before);
});
