// The guard as the Action uses it: the job's OpenID Connect token is exchanged for a session of the guard (RFC 8693) that
// may do one thing for one repository; with it the policy is taken and the result told. Tokens are never written anywhere.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import { parsePolicy, type Policy } from '../core/policy.ts';
import type { ScanReportDocument } from '../core/scan-report.ts';
import type { Environment } from './environment.ts';
import { isSafeAddress, type JsonAnswer, sendForJson } from './guard-request.ts';

export interface GuardLink {
  /** The policy in force at the guard. */
  policy(): Promise<Policy>;
  /** Puts the result into the guard's audit log and returns the id that it has there. */
  report(document: ScanReportDocument): Promise<string>;
}

export interface GuardAddress {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  /** What the token is for, as the guard's configuration has it. */
  readonly audience: string;
  readonly repository: string;
}

const text = z.string().regex(/^[\x21-\x7e]{1,16384}$/);
const identityAnswer = z.object({ value: text });
const sessionAnswer = z.object({ access_token: text });
const policyAnswer = z.object({ digest: z.string(), text: z.string() });
const reportAnswer = z.object({ request: z.string().regex(/^[\w.-]{1,256}$/) });
const problem = z.object({ error: z.union([z.string(), z.object({ code: z.string() })]) });

/** True where the job may ask for a token: pull requests of forks never may. */
export function hasIdentity(env: Environment): boolean {
  return (
    (env['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '') !== '' && (env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? '') !== ''
  );
}

/** Opens the way to the guard. Nothing is sent yet; each use has a session of its own, as scans outlast sessions. */
export function linkToGuard(env: Environment, address: GuardAddress): GuardLink {
  const at = (path: string): URL => new URL(`${address.url}${path}`);

  async function openSession(): Promise<string> {
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await fetchIdentity(env, address.audience),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: `${address.repository}:log`,
    });
    const answer = await sendForJson(at('/oauth/token'), { form });
    return read(sessionAnswer, answer, 'gave no session').access_token;
  }

  return {
    async policy() {
      const url = at('/api/v1/policy');
      url.searchParams.set('repository', address.repository);
      const answer = await sendForJson(url, { token: await openSession() });
      const found = read(policyAnswer, answer, 'did not tell its policy');
      if (createHash('sha256').update(found.text).digest('hex') !== found.digest)
        throw new GuardError(
          'guard/unreachable',
          'the policy that the guard told is not the one that it names',
        );
      return parsePolicy(found.text, "the guard's policy");
    },
    async report(document) {
      const answer = await sendForJson(at('/api/v1/scans'), { token: await openSession(), json: document });
      return read(reportAnswer, answer, 'did not record the result').request;
    },
  };
}

async function fetchIdentity(env: Environment, audience: string): Promise<string> {
  const address = env['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '';
  if (!hasIdentity(env) || !isSafeAddress(address))
    throw new GuardError('action/no-identity', 'the job has no identity to show to the guard');
  const url = new URL(address);
  url.searchParams.set('audience', audience);
  const { status, body } = await sendForJson(url, { token: env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] });
  const told = identityAnswer.safeParse(body);
  if (status === 200 && told.success) return told.data.value;
  throw new GuardError('action/no-identity', `the identity of the job could not be had (${status})`);
}

function read<T>(schema: z.ZodType<T>, { status, body }: JsonAnswer, what: string): T {
  const found = schema.safeParse(body);
  if (status === 200 && found.success) return found.data;
  const told = problem.safeParse(body);
  const error = told.success ? told.data.error : '';
  const code = (typeof error === 'string' ? error : error.code).replaceAll(/[^\w/-]/g, '').slice(0, 60);
  throw new GuardError('guard/unreachable', `the guard ${what} (${status}${code === '' ? '' : ` ${code}`})`);
}
