// `forgeguard doctor --notify`: every receiver gets a test message, and the operator learns who has taken it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { startMailServer } from '../support/mail-server.ts';
import { startReceiver } from '../support/receiver.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { forgeguard } from './program.ts';

test('tells which receivers have taken a test message, and sends none unless it is asked to', async () => {
  await using directory = await temporaryDirectory('doctor-notify');
  await using hook = await startReceiver();
  await using broken = await startReceiver();
  await using mail = await startMailServer();
  broken.answer = { status: 500 };
  const secret = { env: 'HOOK_SECRET' };
  const config = {
    notifications: [
      { name: 'hook', kind: 'webhook', url: hook.url, secret, on: ['expired'] },
      { name: 'broken', kind: 'webhook', url: broken.url, secret },
      {
        name: 'mail',
        kind: 'email',
        server: `smtp://localhost:${mail.port}`,
        from: 'a@example.org',
        to: ['b@example.org'],
      },
    ],
  };
  await writeFile(join(directory.path, 'forgeguard.yaml'), stringify(config));
  const env = { HOOK_SECRET: 'x'.repeat(32) };
  await forgeguard(directory.path, ['doctor'], env);
  expect([hook.received.length, mail.mails.length]).toEqual([0, 0]);

  const result = await forgeguard(directory.path, ['doctor', '--notify'], env);
  expect(result.code).toBe(1);
  expect(result.stdout).toMatch(/^ok {4}notification hook: the receiver has taken a test message$/m);
  expect(result.stdout).toMatch(/^FAIL {2}notification broken: the receiver answered 500$/m);
  expect(result.stdout).toMatch(/^ok {4}notification mail: /m);
  expect(JSON.parse(hook.received[0]!.body)).toMatchObject({ type: 'test', data: {} });
  expect(mail.mails[0]!.raw).toContain('This is a test of the notifications');
});
