// The principal of a client whose own credential goes to the upstream, which judges it. The guard knows only that it is
// the same credential as before, by a keyed hash; it does not know who the client is, so it is no agent and no human.
import { createHmac } from 'node:crypto';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Grant } from '../../core/principal.ts';

const longestHeader = 8_192;

/**
 * The grant for an Authorization header that is passed through. `key` (32 bytes or more) makes the id unguessable to
 * those who know the credential but not the key. Without a header the principal is `workload:passthrough/anonymous`. The scopes
 * cover fetch and push at this forge: the upstream decides. Throws `identity/invalid` where the header is oversized.
 */
export function passthroughGrant(authorization: string | undefined, forge: string, key: Uint8Array): Grant {
  if (authorization !== undefined && authorization.length > longestHeader) throw refuseIdentity('oversized');
  const subject =
    authorization === undefined
      ? 'anonymous'
      : createHmac('sha256', key)
          .update(`passthrough\0${forge}\0${authorization}`)
          .digest('hex')
          .slice(0, 32);
  return {
    principal: {
      kind: 'workload',
      id: `workload:passthrough/${subject}`,
      issuer: forge,
      subject,
      groups: [],
      onBehalfOf: [],
      session: subject,
      proof: 'passthrough',
    },
    owner: null,
    scopes: [{ repository: `${forge}/**`, verbs: ['fetch', 'push'] }],
  };
}
