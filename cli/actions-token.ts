// Asks GitHub Actions for the OIDC token of the job that this runs in. The job's request token goes to the address that
// the runner gave and nowhere else.
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import { isPlainRemote } from '../server/address.ts';
import { sendForJson } from './json-request.ts';

const answerSchema = z.object({ value: z.string().min(1) });

/** The token, for this audience. Rejects with `identity/no-source`. */
export async function fetchActionsToken(
  url: string,
  requestToken: string,
  audience: string,
): Promise<string> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target === undefined || !/^https?:$/.test(target.protocol) || isPlainRemote(target))
    throw refused('ACTIONS_ID_TOKEN_REQUEST_URL is no https URL');
  target.searchParams.set('audience', audience);
  const { status, body } = await sendForJson(target, { authorization: `Bearer ${requestToken}` }).catch(
    (cause: unknown) => {
      throw refused(`couldn't reach ${target.origin}`, cause);
    },
  );
  const answer = answerSchema.safeParse(body);
  if (status !== 200 || !answer.success) throw refused(`${target.origin} answered ${status}`);
  return answer.data.value;
}

function refused(why: string, cause?: unknown): GuardError {
  return new GuardError('identity/no-source', `GitHub Actions gave no identity for this job: ${why}`, {
    cause,
  });
}
