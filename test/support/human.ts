// People who may have texts of the audit log destroyed.
import type { Grant } from '../../core/principal.ts';

/** A person with a token of their own, for everything in the audit log. */
export function human(name: string, more: Partial<Grant['principal']> = {}): Grant {
  return {
    principal: {
      kind: 'human',
      id: `human:${name}`,
      issuer: 'guard',
      subject: name,
      groups: [],
      onBehalfOf: [],
      session: name,
      proof: 'guard-token',
      ...more,
    },
    owner: `human:${name}`,
    scopes: [{ repository: '**', verbs: ['audit'] }],
  };
}
