// The policy in force: from the file that is named, or the default; and what is refused of a file.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultPolicyText } from '../../core/default-policy.ts';
import { createPolicyService } from '../../server/policy/service.ts';
import { agent, push, refUpdate } from '../core/operations.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
beforeAll(async () => {
  directory = await temporaryDirectory('policy');
});
afterAll(() => directory.remove());

async function put(content: string | Uint8Array): Promise<string> {
  const file = join(directory.path, 'policy.yaml');
  await writeFile(file, content);
  return file;
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

test('the default policy is in force where none is named', async () => {
  const service = await createPolicyService({ file: undefined });
  expect(service).toMatchObject({
    source: 'default policy',
    text: defaultPolicyText,
    digest: sha256(defaultPolicyText),
  });
  const operation = push({ actor: agent, refUpdates: [refUpdate('refs/heads/topic', 'force')] });
  expect(service.decide(operation, new Date())).toMatchObject({ kind: 'deny', policyDigest: service.digest });
  expect(service.asksAboutPaths(operation)).toBe(true);
  expect(service.asksAboutPaths({ ...operation, kind: 'log' })).toBe(false);
});

test('the digest is that of the file, byte for byte', async () => {
  for (const content of ['rules: []\r\n', '\ufeffrules: []\n', '# ü\nrules: []']) {
    const service = await createPolicyService({ file: await put(content) });
    expect(service.digest).toBe(sha256(Buffer.from(content)));
  }
});

test.each([
  ['bytes that are not UTF-8', Buffer.from([0x72, 0xff]), /not UTF-8/],
  ['a file that is too large', Buffer.alloc(1_048_577, 0x23), /larger than/],
  ['an invalid policy', 'rules: 3', /:1:8: expected a list/],
])('%s is refused', async (_what, content, message) => {
  const file = await put(content);
  await expect(createPolicyService({ file })).rejects.toMatchObject({ code: 'policy/invalid' });
  await expect(createPolicyService({ file })).rejects.toThrow(message);
});

test('a file that cannot be read stops the start', async () => {
  const file = join(directory.path, 'missing');
  await expect(createPolicyService({ file })).rejects.toMatchObject({ code: 'config/unreadable' });
});
