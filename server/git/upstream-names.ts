// Tells whoever asks for a repository of a GitHub by a name that it had before how it is called now. GitHub only says that
// it does not know the old one, or that the App does not reach it.
import { type ErrorCode, GuardError } from '../../core/errors.ts';
import type { NewNameOf } from '../../core/new-names.ts';
import type { Upstream } from './upstream.ts';

const unreached: ReadonlySet<ErrorCode> = new Set(['upstream/permission', 'upstream/not-installed']);

/** The upstream, whose errors have the new name as remedy. What is sent was authorized for the old name before. */
export function withNewNames(upstream: Upstream, newNameOf: NewNameOf): Upstream {
  // Without an answer, what has failed is told as it is.
  const explained = async (repository: string, failure: GuardError): Promise<GuardError | undefined> => {
    const name = await newNameOf(repository).catch(() => undefined);
    if (name === undefined) return undefined;
    const remedy = `The repository is called ${name} now: use that name, and have scopes and policy changed to it.`;
    return new GuardError(failure.code, failure.message, { cause: failure, remedy });
  };
  return {
    send: async (request) => {
      const { id } = request.repository;
      const response = await upstream.send(request).catch(async (thrown: unknown) => {
        const isUnreached = thrown instanceof GuardError && unreached.has(thrown.code);
        throw (isUnreached ? await explained(id, thrown) : undefined) ?? thrown;
      });
      if (response.status !== 404) return response;
      const unknown = new GuardError('upstream/not-found', 'the upstream forge does not know the repository');
      const told = await explained(id, unknown);
      if (told === undefined) return response;
      response.body.destroy();
      throw told;
    },
    close: () => upstream.close(),
  };
}
