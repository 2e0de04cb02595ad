// The examples of docs/siem.md are configurations, and what the configuration must not be is refused.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Config, loadConfig } from '../../server/config.ts';
import { makeCertificates } from '../support/certificates.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
const certificates = makeCertificates();
const env = { COLLECTOR_TOKEN: 'x', S3_KEY: 'x' };

beforeAll(async () => {
  directory = await temporaryDirectory('siem');
  const files = {
    'siem-ca.pem': certificates.ca,
    'guard.pem': certificates.client.cert,
    'guard-key.pem': certificates.client.key,
    'tenant-id': 'acme\n',
    's3-secret': 'x\n',
    'no-key.pem': 'hello\n',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory.path, name), text);
});
afterAll(() => directory.remove());

async function load(text: string): Promise<Config> {
  const file = join(directory.path, 'forgeguard.yaml');
  await writeFile(file, text);
  return loadConfig({ file, env });
}
const sink = (settings: object): Promise<Config> =>
  load(stringify({ audit: { sinks: [{ name: 'x', ...settings }] } }));

test('the examples are configurations, and together all kinds', async () => {
  const page = await readFile(new URL('../../docs/siem.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, example = '']) => example);
  const kinds = new Set<string>();
  for (const example of examples) {
    const { audit, weakenings } = await load(example);
    expect(weakenings).toEqual([]);
    for (const { kind } of audit.sinks) kinds.add(kind);
  }
  expect([...kinds].toSorted()).toEqual(['file', 'http', 's3', 'stdout', 'syslog']);
});

test('certificates, keys and secrets are read, and shown to nobody', async () => {
  const { audit } = await sink({
    kind: 'syslog',
    host: 'siem.example.org',
    caFile: 'siem-ca.pem',
    client: { certificateFile: 'guard.pem', key: { file: 'guard-key.pem' } },
  });
  const [first] = audit.sinks;
  if (first?.kind !== 'syslog') throw new Error('not syslog');
  expect(first.tls?.ca).toBe(certificates.ca);
  expect(first.tls?.client?.key.reveal()).toBe(certificates.client.key);
  expect(JSON.stringify(audit)).not.toContain('PRIVATE KEY');
  expect(first.pace).toMatchObject({ resend: 1_000, maxEntries: 500 });
});

describe('refused is', () => {
  test.each([
    [
      'plain TCP to another machine',
      { kind: 'syslog', host: 'siem.example.org', plainTcp: true },
      'TLS is demanded',
    ],
    [
      'plain HTTP to another machine',
      { kind: 'http', url: 'http://siem.example.org', format: 'json' },
      'http to another machine is refused',
    ],
    [
      'plain S3 on another machine',
      { kind: 's3', bucket: 'abc', endpoint: 'http://s3.example.org' },
      'http to another machine is refused',
    ],
    ['half a credential', { kind: 's3', bucket: 'abc', accessKeyId: { env: 'S3_KEY' } }, 'belong together'],
    [
      'a key in the environment',
      {
        kind: 'http',
        url: 'https://a.example',
        format: 'cef',
        client: { certificateFile: 'guard.pem', key: { env: 'S3_KEY' } },
      },
      '{file: PATH}',
    ],
    [
      'a key that is none',
      {
        kind: 'http',
        url: 'https://a.example',
        format: 'cef',
        client: { certificateFile: 'guard.pem', key: { file: 'no-key.pem' } },
      },
      'private key in PEM',
    ],
    [
      'a secret in the open',
      { kind: 'http', url: 'https://a.example', format: 'cef', token: 'abc' },
      'secrets are never written here',
    ],
    ['an unknown kind', { kind: 'carrier-pigeon' }, 'syslog, http, file, stdout, s3'],
    ['a filter that fits nothing', { kind: 'stdout', filter: ['push'] }, 'an action such as push.refused'],
  ])('%s', async (_title, settings, message) => {
    await expect(sink(settings)).rejects.toThrow(message);
  });

  test('a name that is used twice', async () => {
    const sinks = [
      { kind: 'stdout', name: 'a' },
      { kind: 'file', name: 'a', path: 'x' },
    ];
    await expect(load(stringify({ audit: { sinks } }))).rejects.toThrow('the name a is used twice');
  });
});

test('what is allowed by an ugly name is told as a weakening', async () => {
  const settings = { kind: 'syslog', host: '192.0.2.1', plainTcp: true, dangerouslyAllowPlainSyslog: true };
  const { weakenings } = await sink(settings);
  expect(weakenings).toEqual(['the audit log is sent to x in the clear: it can be read on the network']);
  expect((await sink({ kind: 'syslog', host: '127.0.0.1', plainTcp: true })).weakenings).toEqual([]);
});
