// The grant types of agents that a person lets in with a code: the device grant (RFC 8628 §3.4) and the refresh of what came
// of it (RFC 6749 §6). Who may do what was settled by the person; here only the form is read.
import type { PermissionAnswer, PermissionGrants } from '../../core/people-services.ts';
import { Secret } from '../secret.ts';
import type { GrantedSession, GrantType } from './grant-type.ts';
import { OAuthError, type OAuthErrorCode } from './oauth-error.ts';

/** Where an agent asks for a code. */
export const deviceAuthorizationPath = '/oauth/device_authorization';

const sayings = {
  authorization_pending: 'nobody has decided yet',
  slow_down: 'ask less often',
  access_denied: 'the person has denied it',
  expired_token: 'the code has run out or is none',
  invalid_grant: 'what was shown is not valid any more',
} as const satisfies Partial<Record<OAuthErrorCode, string>>;

/** Both grant types. */
export function permissionGrantTypes(grants: PermissionGrants): readonly GrantType[] {
  return [
    {
      name: 'urn:ietf:params:oauth:grant-type:device_code',
      endpoints: { device_authorization_endpoint: deviceAuthorizationPath },
      issue: async ({ form }) => granted(await grants.poll(form.need('device_code'))),
    },
    {
      name: 'refresh_token',
      issue: async ({ form }) =>
        granted(await grants.refresh(form.need('refresh_token'), form.one('client_id'))),
    },
  ];
}

function granted(answer: PermissionAnswer): GrantedSession {
  if (answer.kind === 'fault') throw new OAuthError(answer.fault, sayings[answer.fault]);
  const { session, refreshToken } = answer;
  return {
    token: new Secret(session.token),
    grant: session.grant,
    refreshToken: new Secret(refreshToken),
  };
}
