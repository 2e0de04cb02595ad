// The REST API of one GitHub as the guard's App: tokens for one repository at a time with no more permissions than a
// question needs, requests paced as GitHub asks, answers checked before they are believed.
import type { Octokit } from '@octokit/core';
import { Agent, fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import type { GithubAppCredential } from '../server/credential-types.ts';
import { githubFailure } from '../server/github-failure.ts';
import {
  createInstallationTokens,
  type InstallationPermissions,
  type InstallationTokens,
  type InstallationWish,
} from '../server/github-installation.ts';
import type { Secret } from '../server/secret.ts';
import { version } from '../server/version.ts';

export interface GithubApi extends AsyncDisposable {
  /**
   * Asks about a repository, `owner/name`. Rejects with an `upstream/…` error of the App's credentials or limits, with a
   * `GithubRefusal` for any other answer that is no success, or with `upstream/invalid`.
   */
  ask<T>(question: Question<T>): Promise<T>;
  /** Where a download is, to which GitHub leads by a redirect. Rejects as `ask` does. */
  locate(
    question: Pick<Question<unknown>, 'repository' | 'route' | 'parameters' | 'permissions' | 'signal'>,
  ): Promise<URL>;
  /** All items of a list, `mostItems` at most. Rejects as `ask` does, and with `git/limit` where there are more. */
  askAll<T>(question: Question<T>): Promise<readonly T[]>;
  /** Asks as the App itself. `next` is the cursor of the next page. Rejects with an `upstream/…` error. */
  askAsApp<T>(question: AppQuestion<T>): Promise<{ readonly answer: T; readonly next: string | undefined }>;
  /** All repositories of an installation, `mostRepositories` at most. Rejects as `ask` does. */
  repositoriesOf(installation: number, signal: AbortSignal): Promise<readonly ListedRepository[]>;
  /** The App's name in addresses; asked once. */
  slug(): Promise<string>;
  /** Milliseconds until which GitHub asked not to be asked about repositories of this owner, by the wall clock. */
  pausedUntil(repository: string): number;
  /** True where several requests that change something wait for their turn with this owner. */
  isBusy(repository: string): boolean;
}

export interface ListedRepository {
  /** GitHub's number of it. */
  readonly id: number;
  /** `owner/name` in GitHub's spelling. */
  readonly name: string;
  /** To what is archived nothing can be pushed; of what GitHub has disabled nothing can be read. */
  readonly state: 'open' | 'archived' | 'disabled';
}

export interface Question<T> {
  readonly repository: string;
  /** Method and path as GitHub documents them, below `/repos/{owner}/{repo}` or elsewhere. */
  readonly route: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly permissions: InstallationPermissions;
  /** Of the answer, or of an item of a list. */
  readonly answer: z.ZodType<T>;
  /** Member of the answer that holds the list, where it is no list itself. */
  readonly list?: string;
  /** Whether it is asked again where it is not known if it worked. Default true. */
  readonly mayRepeat?: boolean;
  readonly signal: AbortSignal;
}

export interface AppQuestion<T> {
  readonly route: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly answer: z.ZodType<T>;
}

/** GitHub answered with a status that is no success. Its message is GitHub's own, for people. */
export class GithubRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'GithubRefusal';
    this.status = status;
  }
}

export interface GithubApiOptions {
  readonly credential: GithubAppCredential;
  /** PEM. */
  readonly ca: string | undefined;
  readonly writesPerMinute: number;
}

const mostItems = 3_000;
const pageSize = 100;
const answerMs = 30_000;
/** What GitHub asks to wait is waited for here up to this many seconds, and longer by the queue. */
const patience = 10;
const mostOwners = 1_000;
/** So many requests that change something are answered soon. */
const soonAnswered = 3;

/** The library; a guard without an App does not load it. */
async function loadLibrary() {
  const [{ Octokit: Core }, { retry }, { throttling }, { default: Bottleneck }] = await Promise.all([
    import('@octokit/core'),
    import('@octokit/plugin-retry'),
    import('@octokit/plugin-throttling'),
    import('bottleneck'),
  ]);
  return { Client: Core.plugin(retry, throttling), Bottleneck };
}

/** Nothing is asked before the first question. */
export function createGithubApi({ credential, ca, writesPerMinute }: GithubApiOptions): GithubApi {
  const tokens = createInstallationTokens({ app: credential, ca, now: () => performance.now() });
  const agent = new Agent({
    connect: { timeout: 10_000, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
  });
  const clients = new Map<string, Promise<Octokit>>();
  const paused = new Map<string, number>();
  let slug: Promise<string> | undefined;
  const changing = new Map<string, number>();

  function clientFor(owner: string): Promise<Octokit> {
    const known = clients.get(owner);
    if (known !== undefined) return known;
    const made = makeClient(owner);
    if (clients.size >= mostOwners) clients.clear();
    clients.set(owner, made);
    return made;
  }

  async function makeClient(owner: string): Promise<Octokit> {
    const { Client, Bottleneck } = await loadLibrary();
    const mayWait = (seconds: number, _options: object, _client: object, retries: number): boolean => {
      paused.set(owner, Date.now() + seconds * 1_000);
      return seconds <= patience && retries < 2;
    };
    return new Client({
      baseUrl: credential.apiUrl,
      userAgent: `forgeguard/${version}`,
      log: silent,
      request: {
        fetch: (url: string, init: Parameters<typeof undiciFetch>[1]) =>
          undiciFetch(url, { ...init, dispatcher: agent }),
      },
      // What is refused is refused; a conflict is for the caller to look at.
      retry: { doNotRetry: [400, 401, 403, 404, 405, 409, 410, 412, 422, 451] },
      throttle: {
        id: `${credential.apiUrl} ${owner}`,
        write: new Bottleneck.Group({ maxConcurrent: 1, minTime: 60_000 / writesPerMinute }),
        // Comments and merges, of which people are told.
        notifications: new Bottleneck.Group({ maxConcurrent: 1, minTime: 120_000 / writesPerMinute }),
        onRateLimit: mayWait,
        onSecondaryRateLimit: mayWait,
      },
    });
  }

  async function send(
    question: Omit<Question<unknown>, 'answer'>,
    more: Readonly<Record<string, unknown>>,
    redirect: 'follow' | 'manual' = 'follow',
  ): Promise<Sent> {
    const { repository, permissions } = question;
    const wish = { repository, permissions };
    return sendWith(await tokens.tokenFor(wish), wish, question, more, redirect);
  }

  async function sendWith<T>(
    token: Secret,
    wish: InstallationWish,
    question: Pick<Question<T>, 'repository' | 'route' | 'parameters' | 'mayRepeat' | 'signal'>,
    more: Readonly<Record<string, unknown>>,
    redirect: 'follow' | 'manual' = 'follow',
  ): Promise<Sent> {
    const { repository, route, signal } = question;
    const [owner = '', repo = ''] = repository.split('/');
    try {
      const client = await clientFor(owner.toLowerCase());
      const response = await client.request(route, {
        owner,
        repo,
        ...question.parameters,
        ...more,
        headers: { authorization: `token ${token.reveal()}`, 'x-github-api-version': '2022-11-28' },
        request: {
          redirect,
          signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs * 4)]),
          ...(question.mayRepeat === false ? { retries: 0 } : {}),
        },
      });
      const data: unknown = response.data;
      return { data, location: response.headers.location };
    } catch (thrown) {
      throw failureOf(thrown, tokens, wish, signal);
    }
  }

  return {
    ask: async (question) => {
      if (question.route.startsWith('GET '))
        return believed(question.answer, (await send(question, {})).data);
      const owner = ownerOf(question.repository);
      changing.set(owner, (changing.get(owner) ?? 0) + 1);
      try {
        return believed(question.answer, (await send(question, {})).data);
      } finally {
        const left = (changing.get(owner) ?? 1) - 1;
        if (left > 0) changing.set(owner, left);
        else changing.delete(owner);
      }
    },
    locate: async (question) => {
      const { location } = await send(question, {}, 'manual');
      if (location === undefined || !URL.canParse(location)) throw invalid();
      return new URL(location);
    },
    askAll: async (question) => {
      const found: z.output<typeof question.answer>[] = [];
      for (let page = 1; ; page += 1) {
        const { data } = await send(question, { per_page: pageSize, page });
        const items = question.list === undefined ? data : memberOf(data, question.list);
        if (!Array.isArray(items)) throw invalid();
        for (const item of items) found.push(believed(question.answer, item));
        if (items.length < pageSize) return found;
        if (found.length >= mostItems)
          throw new GuardError('git/limit', `a list of GitHub has more than ${mostItems} items`);
      }
    },
    askAsApp: async ({ route, parameters = {}, answer }) => {
      const { data, link } = await tokens.askAsApp(route, parameters);
      const next = /<([^>]{1,2000})>; rel="next"/.exec(link)?.[1];
      return { answer: believed(answer, data), next: next === undefined ? undefined : pageOf(next) };
    },
    repositoriesOf: async (installation, signal) => {
      const permissions = { metadata: 'read' } as const;
      const token = await tokens.tokenOf(installation, permissions);
      const wish = { repository: String(installation), permissions };
      const question = { repository: wish.repository, route: 'GET /installation/repositories', signal };
      const found: ListedRepository[] = [];
      for (let page = 1; page <= mostRepositories / pageSize; page += 1) {
        const { data } = await sendWith(token, wish, question, { per_page: pageSize, page });
        const { repositories } = believed(repositoriesAnswer, data);
        found.push(
          ...repositories.map((one) => ({
            id: one.id,
            name: one.full_name,
            state: one.disabled
              ? ('disabled' as const)
              : one.archived
                ? ('archived' as const)
                : ('open' as const),
          })),
        );
        if (repositories.length < pageSize) break;
      }
      return found;
    },
    slug: () =>
      (slug ??= tokens.describeApp().then(
        (described) => described.slug,
        (thrown: unknown) => {
          slug = undefined;
          throw thrown;
        },
      )),
    pausedUntil: (repository) => paused.get(ownerOf(repository)) ?? 0,
    isBusy: (repository) => {
      const owner = ownerOf(repository);
      return (changing.get(owner) ?? 0) > soonAnswered || (paused.get(owner) ?? 0) > Date.now();
    },
    [Symbol.asyncDispose]: async () => {
      await tokens[Symbol.asyncDispose]();
      await agent.destroy();
    },
  };
}

/** What GitHub answered, and where it leads to. */
interface Sent {
  readonly data: unknown;
  readonly location: string | undefined;
}

/** What names the next page in an address of GitHub. */
function pageOf(address: string): string | undefined {
  const { searchParams } = new URL(address, 'https://github.invalid');
  return searchParams.get('cursor') ?? searchParams.get('page') ?? undefined;
}

/** So many of one installation are read. */
export const mostRepositories = 20_000;
const repositoriesAnswer = z.object({
  repositories: z.array(
    z.object({
      id: z.int(),
      full_name: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/),
      archived: z.boolean().default(false),
      disabled: z.boolean().default(false),
    }),
  ),
});

function memberOf(data: unknown, name: string): unknown {
  const found = z.record(z.string(), z.unknown()).safeParse(data);
  return found.success ? found.data[name] : undefined;
}

function ownerOf(repository: string): string {
  return (repository.split('/')[0] ?? '').toLowerCase();
}

function believed<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw invalid();
}

function invalid(): GuardError {
  return new GuardError('upstream/invalid', 'what GitHub answered is not what its API describes');
}

// Octokit's error carries the request with its token: only status, headers and GitHub's message are looked at.
function failureOf(
  thrown: unknown,
  tokens: InstallationTokens,
  wish: Parameters<InstallationTokens['refused']>[0],
  signal: AbortSignal,
): Error {
  if (signal.aborted) return new GuardError('request/cancelled', 'the work was stopped');
  const status =
    thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number' ? thrown.status : 0;
  const isAnswered = thrown instanceof Error && 'response' in thrown && thrown.response !== undefined;
  if (!isAnswered)
    return new GuardError('upstream/unreachable', 'GitHub did not answer', { cause: cleared(thrown) });
  if (status === 401) tokens.refused(wish);
  const failure = githubFailure(thrown, `an answer about ${wish.repository}`);
  if (status === 401) return new GuardError('upstream/unauthorized', 'GitHub refused a token of the App');
  if (failure.code === 'upstream/rate-limited') return failure;
  if (status >= 500) return new GuardError('upstream/unreachable', `GitHub answered ${status}`);
  return new GithubRefusal(status, thrown instanceof Error ? thrown.message : '');
}

function cleared(thrown: unknown): Error {
  return new Error(thrown instanceof Error ? thrown.name : 'unknown');
}

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
