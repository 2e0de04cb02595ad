// One request of a fetch: it is recorded before anything is handed out, and a refusal is said in the answer, because git
// shows nothing of an answer whose status is not 200.
import { Readable } from 'node:stream';
import { asGuardError, type GuardError } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import type { AuditLog } from '../../core/services.ts';
import { callFetch, type FetchAnswer, type FetchCall, type FetchedAnswer } from './fetch.ts';
import { packet } from './pkt-line.ts';
import { plainText } from './plain-text.ts';
import { refusedEvent } from './push-audit.ts';
import { upstreamFailure } from './upstream.ts';

export interface FetchClient {
  readonly request: string;
  readonly actor: Principal;
  readonly address: string;
  /** As sent by the client. */
  readonly userAgent: string;
  readonly acceptEncoding: string | undefined;
  /** Called with what is not the client's fault. */
  readonly onFailure: (error: GuardError) => void;
}

/**
 * The answer to a request whose body is `plain`. An error becomes an ERR packet (gitprotocol-common); only one that asks
 * for a credential is thrown, because git asks its user at status 401 alone.
 */
export async function serveFetch(
  audit: Pick<AuditLog, 'append'>,
  client: FetchClient,
  call: FetchCall,
  plain: AsyncIterable<Uint8Array>,
): Promise<FetchAnswer> {
  try {
    const answer = await callFetch(call, plain, client.acceptEncoding);
    await record(audit, client, call, answer);
    // The upstream may have broken off meanwhile; nobody was there to notice.
    if (answer.body.errored) throw upstreamFailure(answer.body.errored, call.signal);
    return answer;
  } catch (thrown) {
    const refused = asGuardError(thrown, 'internal', 'something went wrong inside the guard');
    const error = await recordRefusal(audit, client, call, refused);
    if (error.status === 401) throw error;
    if (error.status >= 500) client.onFailure(error);
    return refusal(error, client.request);
  }
}

async function record(
  audit: Pick<AuditLog, 'append'>,
  client: FetchClient,
  { repository }: FetchCall,
  { version, command, body }: FetchedAnswer,
): Promise<void> {
  const userAgent = plainText(client.userAgent, 100);
  try {
    await audit.append({
      action: 'fetch.served',
      request: client.request,
      actor: client.actor,
      repository: repository.id,
      details: { version, command, address: client.address, userAgent },
    });
  } catch (thrown) {
    body.on('error', () => undefined).destroy();
    throw thrown;
  }
}

/** Returns the error to tell: that of the log, where the refusal cannot be recorded either. */
async function recordRefusal(
  audit: Pick<AuditLog, 'append'>,
  { request, actor }: FetchClient,
  { repository }: FetchCall,
  error: GuardError,
): Promise<GuardError> {
  if (error.code === 'request/cancelled' || error.code === 'audit/unavailable') return error;
  const by = error.code.startsWith('upstream/') ? 'upstream' : 'guard';
  const event = refusedEvent({ request, actor, repository: repository.id }, by, error.code);
  return audit.append({ ...event, action: 'fetch.refused' }).then(
    () => error,
    (thrown: unknown) => asGuardError(thrown, 'audit/unavailable', "couldn't record a refused fetch"),
  );
}

function refusal(error: GuardError, request: string): FetchAnswer {
  const text = `ERR forgeguard: ${error.message} [${error.code}]. ${error.remedy} (request ${request})`;
  return {
    headers: {
      'content-type': 'application/x-git-upload-pack-result',
      'cache-control': 'no-cache',
      // What the client still sends is not read.
      connection: 'close',
    },
    body: Readable.from([packet(text)], { objectMode: false }),
  };
}
