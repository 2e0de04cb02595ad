// Names a repository behind the guard and finds it in a request's path: /git/<forge>/<owner>/…/<repo>.git/<service>.
import { GuardError } from '../../core/errors.ts';
import { type Matcher, compileGlobs } from '../../core/glob.ts';
import type { ForgeConfig } from '../config.ts';

export interface Repository {
  readonly forge: ForgeConfig;
  /** Path at the forge without `.git`, in the client's spelling: what the upstream is asked for. */
  readonly path: string;
  /** `<forge>/<path>` in lower case: what scopes, policies and audit entries speak of. */
  readonly id: string;
}

export const services = ['git-upload-pack', 'git-receive-pack'] as const;
export type Service = (typeof services)[number];

export type GitRoute =
  | { readonly kind: 'advertise'; readonly repository: Repository; readonly service: Service }
  | { readonly kind: Service; readonly repository: Repository };

export interface RepositoryTable {
  /** Finds what a request means. Throws `route/unknown-repository` or `git/unsupported`. */
  route(method: string, path: string, service: string | undefined): GitRoute;
}

const segment = /^[A-Za-z0-9_~][A-Za-z0-9._~+-]{0,254}$/;
const maxSegments = 20;

/** Builds the lookup of the configured forges. Pure; forge repositories' globs are compiled once. */
export function createRepositoryTable(forges: readonly ForgeConfig[]): RepositoryTable {
  const byName = new Map(
    forges.map((forge) => [forge.name, { forge, served: compileGlobs(forge.repositories) }]),
  );

  function repositoryOf(text: string): Repository {
    const [forgeName = '', ...segments] = text.split('/');
    const known = byName.get(forgeName);
    const last = segments.at(-1)?.replace(/\.git$/, '') ?? '';
    const names = [...segments.slice(0, -1), last];
    const valid =
      names.length > 0 && names.length <= maxSegments && names.every((name) => segment.test(name));
    if (known === undefined || !valid || !isServed(known.served, names.join('/')))
      throw unknown(forgeName, byName);
    const path = names.join('/');
    return { forge: known.forge, path, id: `${forgeName}/${path}`.toLowerCase() };
  }

  return {
    route(method, path, service) {
      const advertise = /^(.+)\/info\/refs$/.exec(path);
      if (advertise?.[1] !== undefined && method === 'GET') {
        const found = services.find((known) => known === service);
        if (found === undefined)
          throw new GuardError('git/unsupported', 'the dumb HTTP protocol is not served');
        return { kind: 'advertise', repository: repositoryOf(advertise[1]), service: found };
      }
      const call = /^(.+)\/(git-upload-pack|git-receive-pack)$/.exec(path);
      const found = services.find((known) => known === call?.[2]);
      if (call?.[1] !== undefined && found !== undefined && method === 'POST') {
        return { kind: found, repository: repositoryOf(call[1]) };
      }
      throw new GuardError('git/unsupported', 'only smart HTTP fetch and push are served here');
    },
  };
}

function isServed(served: Matcher, path: string): boolean {
  return served(path.toLowerCase());
}

function unknown(forgeName: string, byName: ReadonlyMap<string, unknown>): GuardError {
  const hint = byName.has(forgeName) ? '' : `; forges here: ${[...byName.keys()].join(', ') || 'none'}`;
  return new GuardError('route/unknown-repository', `no such repository behind this guard${hint}`);
}
