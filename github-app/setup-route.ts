// `/github/setup`: an administrator creates the GitHub App in a minute, by GitHub's manifest flow. The key and the secret
// that GitHub hands out once go into private files of the data directory; the page shows what to configure, never them.
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Agent, fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import type { Grant } from '../core/principal.ts';
import { coversEverything } from '../core/scope.ts';
import type { AuditLog } from '../core/services.ts';
import type { ForgeConfig } from '../server/config.ts';
import type { Queryable } from '../server/db.ts';
import { githubApiUrl } from '../server/github-api-url.ts';
import { writePrivateFile } from '../server/private-file.ts';
import { manifestOf } from './manifest.ts';
import { createdPage, setupPage } from './setup-page.ts';
import { insertSetup, takeSetup } from './store.ts';

export interface SetupOptions {
  readonly database: Queryable;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly forges: readonly ForgeConfig[];
  readonly dataDir: string;
  /** Proves who asks. */
  readonly authenticate: (request: FastifyRequest) => Promise<Grant>;
  /** Base URL of the guard. */
  readonly guardUrl: () => string;
}

const answerMs = 20_000;
const longestAnswer = 262_144;
const query = z.object({
  forge: z.string().max(63).optional(),
  organization: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,100}$/)
    .optional(),
});
const returned = z.object({
  code: z.string().regex(/^[A-Za-z0-9_-]{1,200}$/),
  state: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
const conversion = z.object({
  id: z.int().min(1),
  slug: z.string().max(200).nullish(),
  html_url: z.url(),
  pem: z.string().min(100).max(16_384),
  webhook_secret: z.string().min(1).max(1_000),
});

const digestOf = (state: string): string => createHash('sha256').update(state).digest('hex');

/** The two pages as a plugin. */
export function setupRoute(options: SetupOptions): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    app.get('/github/setup', async (request, reply) => {
      await administrator(options, request);
      const asked = read(query, request.query);
      const forge = forgeOf(options.forges, asked.forge);
      const state = randomBytes(32).toString('base64url');
      // Only its digest is kept: who reads the database cannot finish what somebody else began.
      await insertSetup(options.database, digestOf(state), forge.name);
      const action = asked.organization === undefined ? '' : `organizations/${asked.organization}/`;
      const page = setupPage({
        action: `${forge.url}/${action}settings/apps/new?state=${state}`,
        manifest: manifestOf(options.guardUrl()),
        forge: forge.name,
      });
      return reply
        .headers(pageHeaders(new URL(forge.url).origin))
        .type('text/html; charset=utf-8')
        .send(page);
    });
    app.get('/github/setup/done', async (request, reply) => {
      const { principal } = await administrator(options, request);
      const { code, state } = read(returned, request.query);
      const name = await takeSetup(options.database, digestOf(state));
      if (name === undefined)
        throw new GuardError(
          'input/invalid',
          'this creation was not begun here, or too long ago: begin again',
        );
      const forge = forgeOf(options.forges, name);
      const made = await convert(forge, code);
      const stem = join(options.dataDir, `github-app-${made.id}`);
      const [keyFile, secretFile] = [`${stem}-private-key.pem`, `${stem}-webhook-secret`];
      await writePrivateFile(keyFile, made.pem);
      await writePrivateFile(secretFile, `${made.webhook_secret}\n`);
      await options.audit.append({
        action: 'github-app.created',
        request: request.id,
        actor: principal,
        repository: null,
        details: { forge: name, app: made.id },
      });
      const page = createdPage({ forge, appId: made.id, installUrl: made.html_url, keyFile, secretFile });
      return reply.headers(pageHeaders("'none'")).type('text/html; charset=utf-8').send(page);
    });
  };
}

async function administrator({ authenticate }: SetupOptions, request: FastifyRequest): Promise<Grant> {
  const grant = await authenticate(request);
  if (!coversEverything(grant, 'admin'))
    throw new GuardError(
      'identity/forbidden',
      'only an administrator of the guard can create its GitHub App',
    );
  return grant;
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new GuardError('input/invalid', 'the address of the page is not complete');
}

function forgeOf(forges: readonly ForgeConfig[], name: string | undefined): ForgeConfig {
  const found =
    name === undefined && forges.length === 1 ? forges[0] : forges.find((forge) => forge.name === name);
  if (found !== undefined) return found;
  const names = forges.map((forge) => forge.name).join(', ') || 'none';
  throw new GuardError('input/invalid', `name the forge: /github/setup?forge=NAME; forges here: ${names}`);
}

// The page holds a one-time state and must not be framed, kept or sent on.
function pageHeaders(formAction: string): Readonly<Record<string, string>> {
  return {
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`,
  };
}

/** Exchanges the code for the App's key and secret; GitHub gives them once. */
async function convert({ url, ca }: ForgeConfig, code: string): Promise<z.output<typeof conversion>> {
  const agent = new Agent({ connect: { timeout: 10_000, ...(ca === undefined ? {} : { ca }) } });
  try {
    const answer = await undiciFetch(`${githubApiUrl(new URL(url))}/app-manifests/${code}/conversions`, {
      method: 'POST',
      headers: { accept: 'application/vnd.github+json', 'user-agent': 'forgeguard' },
      redirect: 'error',
      dispatcher: agent,
      signal: AbortSignal.timeout(answerMs),
    });
    if (answer.status !== 201)
      throw new GuardError('upstream/refused', `GitHub answered ${answer.status} to the code`);
    const text = await answer.text();
    const made = text.length > longestAnswer ? undefined : conversion.safeParse(JSON.parse(text)).data;
    if (made === undefined)
      throw new GuardError('upstream/invalid', 'GitHub answered something else than an App');
    return made;
  } catch (thrown) {
    if (thrown instanceof GuardError) throw thrown;
    throw new GuardError('upstream/unreachable', "couldn't exchange the code at GitHub");
  } finally {
    await agent.destroy();
  }
}
