// Who sends a request to the API: proved once for each request, before anything of it is read.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Grant } from '../../core/principal.ts';
import type { WebSessions } from '../../core/people-services.ts';
import type { IdentityService } from '../../core/services.ts';
import { browserRequestOf } from '../browser-request.ts';
import { presentedBy } from '../presented.ts';

const key = 'grant';

/**
 * Demands a credential of every request below this instance: a token or, where a request has none, the cookie of
 * somebody who is signed in with a browser.
 */
export function demandGrant(
  app: FastifyInstance,
  identity: IdentityService,
  web: WebSessions | undefined,
): void {
  app.decorateRequest(key, null);
  app.addHook('onRequest', async (request) => {
    const presented = presentedBy(request);
    const person =
      presented.authorization === undefined ? await web?.authenticate(browserRequestOf(request)) : undefined;
    request.setDecorator<Grant>(key, person ?? (await identity.authenticate(presented)));
  });
}

/** The grant that was proved; only below an instance that demands one. */
export function grantOf(request: FastifyRequest): Grant {
  return request.getDecorator<Grant>(key);
}
