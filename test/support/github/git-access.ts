// Repositories of the fake over smart HTTP, by stock `git http-backend`, for installation tokens that reach them.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Spawner } from '../../../server/git/spawner.ts';
import { answerWithHttpBackend } from '../http-backend.ts';
import { drained } from '../drained.ts';
import { callerOf, tokenReaches } from './app-token.ts';
import { permits, type Repository, repositoryOf, type World } from './world.ts';

export interface GitAccessOptions {
  readonly world: World;
  readonly spawner: Spawner;
  readonly root: string;
  readonly home: string;
  readonly signal: AbortSignal;
}

/** Adds `/<owner>/<repo>.git/…`; bodies are not read before Git reads them. */
export function addGitAccess(server: FastifyInstance, options: GitAccessOptions): void {
  const { world } = options;
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { owner = '', repo = '' } = request.params as Readonly<Record<string, string>>;
    const repository = repositoryOf(world, owner, repo);
    const verdict = judge(world, repository, request);
    if (repository === undefined || verdict !== 200) {
      if (verdict === 401) reply.header('www-authenticate', 'Basic realm="GitHub"');
      return void (await reply.code(verdict).type('text/plain').send(texts[verdict]));
    }
    reply.hijack();
    const { raw } = reply;
    const answer = await answerWithHttpBackend({
      spawner: options.spawner,
      projectRoot: options.root,
      home: options.home,
      message: request.raw,
      body: request.raw,
      remoteUser: 'x-access-token',
      signal: options.signal,
    });
    raw.statusCode = answer.status;
    for (const [name, value] of answer.headers) raw.appendHeader(name, value);
    for await (const chunk of answer.body) {
      if (!raw.write(chunk)) await drained(raw);
      if (raw.destroyed) break;
    }
    await answer.ended;
    raw.end();
  };
  void server.register(async (git) => {
    git.removeAllContentTypeParsers();
    git.addContentTypeParser('*', (_request, _body, done) => done(null));
    git.route({ method: ['GET', 'POST'], url: '/:owner/:repo.git/*', handler });
  });
}

type Verdict = 200 | 401 | 403 | 404;
const texts: Readonly<Record<Verdict, string>> = {
  200: '',
  401: 'Invalid username or token.\n',
  403: 'Write access to repository not granted.\n',
  404: 'Repository not found.\n',
};

function judge(world: World, repository: Repository | undefined, { url, headers }: FastifyRequest): Verdict {
  const caller = callerOf(world, headers.authorization);
  const writes = url.includes('git-receive-pack');
  if (caller.kind === 'anonymous')
    return repository !== undefined && !repository.isPrivate && !writes ? 200 : 401;
  if (caller.kind !== 'installation') return 401;
  if (repository === undefined || !tokenReaches(caller.token, repository)) return 404;
  return permits(caller.token.permissions, 'contents', writes ? 'write' : 'read') ? 200 : 403;
}
