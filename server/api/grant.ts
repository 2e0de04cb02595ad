// Who sends a request to the API: proved once for each request, before anything of it is read.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Grant } from '../../core/principal.ts';
import type { IdentityService } from '../../core/services.ts';
import { presentedBy } from '../presented.ts';

const key = 'grant';

/** Demands a credential of every request below this instance. */
export function demandGrant(app: FastifyInstance, identity: IdentityService): void {
  app.decorateRequest(key, null);
  app.addHook('onRequest', async (request) => {
    request.setDecorator<Grant>(key, await identity.authenticate(presentedBy(request)));
  });
}

/** The grant that was proved; only below an instance that demands one. */
export function grantOf(request: FastifyRequest): Grant {
  return request.getDecorator<Grant>(key);
}
