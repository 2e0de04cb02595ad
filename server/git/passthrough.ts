// Identity where the upstream is the judge: the client's own credential goes there, and the guard knows the client by
// a keyed digest of it. Rules for agents apply, because nothing says that a person is at the other end.
import { createHmac } from 'node:crypto';
import type { Grant } from '../../core/principal.ts';
import type { Repository } from './repository.ts';

/** The grant of a client in credential mode `passthrough`; whether it may do anything is the upstream's to say. */
export function passthroughGrant(
  repository: Repository,
  authorization: string | undefined,
  key: Uint8Array,
): Grant {
  const digest =
    authorization === undefined
      ? 'anonymous'
      : createHmac('sha256', key).update(authorization).digest('hex').slice(0, 16);
  return {
    principal: {
      kind: 'agent',
      id: `passthrough:${digest}`,
      issuer: repository.forge.url,
      subject: digest,
      groups: [],
      onBehalfOf: [],
      session: digest,
      proof: 'passthrough',
    },
    scopes: [{ repository: `${repository.forge.name}/**`, verbs: ['fetch', 'push'] }],
  };
}
