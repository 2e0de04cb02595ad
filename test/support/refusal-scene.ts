// A guard, one repository behind it and a known agent; what is sent there by hand, and what must hold after a refusal.
import { request as httpRequest } from 'node:http';
import { expect } from 'vitest';
import {
  type GuardedForge,
  type GuardedRepository,
  quarantinedFiles,
  startGuardedForge,
} from './guarded-forge.ts';
import { postService, type SendOptions } from './raw-push.ts';

export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly request: string;
}

export interface RefusalScene extends AsyncDisposable {
  readonly forge: GuardedForge;
  readonly target: GuardedRepository;
  /** Posts this body as a push of the agent. */
  push(body: Uint8Array, options?: SendOptions): Promise<Answered>;
  /** Any request, as written. */
  ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: Uint8Array,
  ): Promise<Answered>;
  /** What holds after every refused request. */
  expectNothingDone(answered: Answered): Promise<void>;
  expectRecorded(request: string, action: string, code: string): Promise<void>;
}

/** Starts it; pushes have five seconds. */
export async function startRefusalScene(): Promise<RefusalScene> {
  const forge = await startGuardedForge({ limits: { pushSeconds: 5 } });
  const target = await forge.createRepo('team/target', { seed: { 'README.md': 'hello\n' } });
  const before = await target.repository.refs();
  return {
    forge,
    target,
    async push(body, options = {}) {
      const response = await postService(target.bareUrl, 'git-receive-pack', body, {
        authorization: forge.authorization,
        ...options,
      });
      return {
        status: response.status,
        text: Buffer.from(response.body).toString('latin1'),
        request: String(response.headers['x-request-id']),
      };
    },
    ask: (method, path, headers, body) => ask(forge.guard.port, method, path, headers, body),
    async expectNothingDone(answered) {
      expect(answered.text).not.toMatch(/\n\s+at |node:internal|file:\/\//);
      expect(await target.repository.refs()).toEqual(before);
      await expect.poll(() => quarantinedFiles(forge.guard.dataDir)).toEqual([]);
      expect((await fetch(`${forge.guard.url}/healthz`)).status).toBe(200);
    },
    async expectRecorded(request, action, code) {
      const last = (await forge.audit(request)).at(-1);
      expect(last).toMatchObject({ action, details: { code } });
    },
    async [Symbol.asyncDispose]() {
      const logs = forge.guard.logs();
      await forge[Symbol.asyncDispose]();
      if (logs.includes('"code":"internal"')) throw new Error(`the guard failed inside:\n${logs}`);
    },
  };
}

async function ask(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: Uint8Array,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, method, path, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
            request: String(response.headers['x-request-id']),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
