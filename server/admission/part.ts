// Keeps those out who try too often or send too much, before and after the identity service. Counts are this guard's own:
// no request waits for a counter elsewhere. Trusts the connection's address and what the identity service says.
import { createHash, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { refusalOf, type RefusalReason } from '../../core/identity-refusal.ts';
import type {
  AttemptGate,
  AuditLog,
  IdentityService,
  Presented,
  TrafficService,
} from '../../core/services.ts';
import { TooManyError } from '../../core/too-many.ts';
import type { Limits } from '../config.ts';
import { createCountedEntries } from '../counted-entries.ts';
import { addressKey } from './address-key.ts';
import { type Attempt, type Lockout, Lockouts } from './lockout.ts';
import { WindowCounts } from './window-counts.ts';

export interface AdmissionOptions {
  readonly limits: Limits;
  readonly audit: Pick<AuditLog, 'append'>;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

export interface Admission extends AttemptGate, TrafficService {
  /** The same service for those who may try, counting what fails and what each principal asks for. */
  guard(identity: IdentityService): IdentityService;
  /** Has the server count requests by address. */
  watch(app: FastifyInstance): void;
}

const minute = 60_000;
const capacity = 20_000;
const uncounted: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz']);

// That nothing was shown is no failure: git begins so. Nor is an issuer that cannot be reached the fault of its clients.
const harmless: ReadonlySet<RefusalReason> = new Set(['missing', 'keys-unavailable']);

/** Nothing is counted yet. */
export function createAdmission({
  limits,
  audit,
  now = () => performance.now(),
}: AdmissionOptions): Admission {
  const lockouts = new Lockouts(
    {
      failuresOfCredential: limits.failedCredential,
      failuresOfAddress: limits.failedAddress,
      firstWait: limits.lockoutSeconds,
      longestWait: Math.max(limits.lockoutSeconds, longestWait),
    },
    now,
  );
  const counts = (windowMs: number): WindowCounts => new WindowCounts({ windowMs, capacity, now });
  const byAddress = counts(minute);
  const byPrincipal = counts(minute);
  const sent = counts(60 * minute);
  const record = createRecorder(audit);

  const attempt: Admission['attempt'] = async (presented, work) => {
    const tried = attemptOf(presented);
    if (tried === undefined) return work();
    const waitMs = lockouts.waitMs(tried);
    if (waitMs > 0)
      throw new TooManyError('identity/locked-out', 'this credential or address failed too often', waitMs);
    try {
      const result = await work();
      lockouts.succeeded(tried);
      return result;
    } catch (thrown) {
      const refusal = refusalOf(thrown);
      if (refusal !== undefined && !harmless.has(refusal.reason))
        for (const lockout of lockouts.failed(tried)) await record(tried, lockout, refusal.token);
      throw thrown;
    }
  };

  return {
    attempt,
    guard: (identity) => ({
      authenticate: async (presented) => {
        const grant = await attempt(presented, () => identity.authenticate(presented));
        demand(byPrincipal, grant.principal.id, limits.requestsPerMinute, 'requests in a minute');
        return grant;
      },
    }),
    watch: (app) =>
      void app.addHook('onRequest', async (request) => {
        if (uncounted.has(request.routeOptions.url)) return;
        demand(byAddress, addressKey(request.ip), limits.addressRequestsPerMinute, 'requests in a minute');
      }),
    demandPush: ({ id }) => {
      if (sent.total(id) < limits.pushBytesPerHour) return;
      const message = 'this principal has pushed more bytes in an hour than limits.pushBytesPerHour allows';
      throw new TooManyError('request/too-many', message, sent.left(id));
    },
    countBytes: ({ id }, bytes) => void sent.add(id, bytes),
  };
}

function demand(counts: WindowCounts, key: string, most: number, what: string): void {
  if (counts.add(key) <= most) return;
  throw new TooManyError('request/too-many', `more than ${most} ${what}`, counts.left(key));
}

const longestWait = 900;

/** Undefined where nothing is presented. */
function attemptOf({
  address,
  authorization,
  cookie,
  certificate,
}: AttemptedCredential): Attempt | undefined {
  if (authorization === undefined && cookie === undefined && certificate === undefined) return undefined;
  const hash = createHash('sha256');
  for (const part of [authorization ?? '', cookie ?? '', certificate ?? '']) hash.update(part).update('\0');
  return { address: addressKey(address), credential: hash.digest('base64') };
}

type AttemptedCredential = Pick<Presented, 'address' | 'authorization' | 'cookie' | 'certificate'>;

/** At most one entry a second for one known token, one for all others, one for addresses. */
function createRecorder(
  audit: Pick<AuditLog, 'append'>,
): (attempt: Attempt, lockout: Lockout, token: string | undefined) => Promise<void> {
  const entries = createCountedEntries({ audit, forEach: 1, forAll: 10 });
  return ({ address }, { of, failures, waitMs }, token) =>
    entries.add(of === 'address' ? of : `${of} ${token ?? ''}`, (moreLockouts) => ({
      action: 'identity.locked-out',
      request: randomBytes(8).toString('hex'),
      actor: null,
      repository: null,
      details: {
        of,
        address,
        token: token ?? null,
        failures,
        seconds: Math.round(waitMs / 1_000),
        moreLockouts,
      },
    }));
}
