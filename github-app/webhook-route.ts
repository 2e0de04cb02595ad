// `POST /webhooks/github`: takes webhooks in. Nothing of one is parsed before its signature was checked; what it asks for
// is durable before it is answered, and done afterwards.
import { verify } from '@octokit/webhooks-methods';
import type { FastifyInstance } from 'fastify';
import { GuardError } from '../core/errors.ts';
import type { Database } from '../server/db.ts';
import type { Secret } from '../server/secret.ts';
import { askedBy } from './event-work.ts';
import { createIntake, type TakenWork } from './intake.ts';

export interface WebhookOptions {
  readonly database: Database;
  /** Forges by name, and the secrets of their App. */
  readonly secrets: ReadonlyMap<string, readonly Secret[]>;
  /** Told of what is to be done. */
  readonly wakeUp: (work: readonly TakenWork[]) => void;
}

/** What GitHub sends is cut at 25 MB. */
const longestBody = 25 * 2 ** 20;
const guidForm = /^[A-Za-z0-9-]{1,100}$/;
const signatureForm = /^sha256=[0-9a-f]{64}$/;

/** The route as a plugin. */
export function webhookRoute(options: WebhookOptions): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    await app.register(async (scope) => serve(scope, options));
  };
}

function serve(app: FastifyInstance, options: WebhookOptions): void {
  const takeIn = createIntake(options.database);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: longestBody },
    async (_request: unknown, body: Buffer) => body,
  );
  app.post<{ Body: Buffer }>(
    '/webhooks/github',
    {
      bodyLimit: longestBody,
      // Before the body is read.
      onRequest: async (request) => {
        if (!signatureForm.test(headerOf(request.headers['x-hub-signature-256']))) throw unsigned();
      },
    },
    async (request, reply) => {
      const signature = headerOf(request.headers['x-hub-signature-256']);
      const text = request.body.toString('utf8');
      const forge = await signerOf(options.secrets, text, signature);
      if (forge === undefined) {
        request.log.warn({ request: request.id }, 'a webhook had a wrong signature');
        throw unsigned();
      }
      const delivery = headerOf(request.headers['x-github-delivery']);
      if (!guidForm.test(delivery)) throw new GuardError('input/invalid', 'the webhook has no delivery id');
      const event = headerOf(request.headers['x-github-event']);
      const taken = await takeIn({ forge, id: delivery, asked: askedBy(event, readJson(text), delivery) });
      options.wakeUp(taken);
      return reply.code(202).send({ work: taken.length });
    },
  );
}

function headerOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

function unsigned(): GuardError {
  return new GuardError('github/signature', 'the webhook is not signed with a secret of this guard');
}

/** The forge whose App has signed it. All secrets are tried, each in constant time. */
async function signerOf(
  secrets: WebhookOptions['secrets'],
  text: string,
  signature: string,
): Promise<string | undefined> {
  if (text === '') return undefined;
  let signer: string | undefined;
  for (const [forge, own] of secrets)
    for (const secret of own) if (await verify(secret.reveal(), text, signature)) signer = forge;
  return signer;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GuardError('input/invalid', 'the webhook is no JSON');
  }
}
