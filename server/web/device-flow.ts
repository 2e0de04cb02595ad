// How an agent without a browser gets a session in a person's name (RFC 8628): it shows a code, the person enters the code
// in the guard's pages and permits what is asked, and the agent, which has asked again and again, gets a session token. It
// renews that with refresh tokens of which each works once (RFC 9700 §4.14): one that comes a second time was copied, and
// ends the permission.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { GuardError } from '../../core/errors.ts';
import type { Grant, Principal, Scope } from '../../core/principal.ts';
import { delegableScopes } from '../../core/role.ts';
import { scopesIncluded } from '../../core/scope-inclusion.ts';
import { formatScope, parseScope } from '../../core/scope-text.ts';
import type {
  Dependents,
  PeopleDirectory,
  PermissionAnswer,
  PermissionFault,
  PermissionGrants,
  SessionMint,
} from '../../core/people-services.ts';
import type { AuditLog, Clock } from '../../core/services.ts';
import type { Queryable } from '../db.ts';
import { decideRequest, endPermission, endPermissions, findWaiting, forgetRequests } from './device-store.ts';
import { insertPermission, insertRefresh, insertRequest, listPermissions } from './device-store.ts';
import { type DeviceRequest, type Permission, pollRequest, takeRequest, useRefresh } from './device-store.ts';

export interface DeviceFlowOptions {
  readonly database: Queryable;
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly directory: PeopleDirectory;
  readonly mint: SessionMint;
}

export interface DeviceFlow extends PermissionGrants {
  /** Rejects with `input/invalid` or `request/too-many`. */
  ask(asked: { readonly agent: string; readonly scope: string; readonly address: string }): Promise<{
    readonly deviceCode: string;
    readonly userCode: string;
    readonly expiresIn: number;
    readonly interval: number;
  }>;
  /** What waits under a code that somebody typed. */
  find(userCode: string): Promise<DeviceRequest | undefined>;
  /** False where nothing waits any more. Rejects with `identity/forbidden` where the person may not permit it. */
  decide(userCode: string, decision: 'allowed' | 'denied', grant: Grant): Promise<boolean>;
}

const requestSeconds = 600;
const pollSeconds = 5;
const mostWaiting = 50;
const mostScopes = 20;
const day = 86_400;
/** For how long one permission lasts, and for how long it may rest, in seconds. */
export const permissionLimits = { absolute: 7 * day, idle: day } as const;
/** Consonants without those that look like others: no words, nothing to mistake. */
const codeLetters = 'BCDFGHJKLMNPQRSTVWXZ';
const codeLength = 8;

const fault = (name: PermissionFault): PermissionAnswer => ({ kind: 'fault', fault: name });

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The letters of a code as somebody typed it. */
export function typedCode(text: string): string {
  return text
    .toUpperCase()
    .replaceAll(/[^A-Z]/g, '')
    .slice(0, 20);
}

/** The code as it is shown: two groups of four. */
export function shownCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** The permissions as something that ends with its person. */
export function permissionDependents({
  database,
  clock,
}: Pick<DeviceFlowOptions, 'database' | 'clock'>): Dependents {
  return {
    name: 'permissions',
    list: (person) => listPermissions(database, person, clock.now()),
    stop: (person) => endPermissions(database, person, clock.now()),
  };
}

/** The flow over the database. */
export function createDeviceFlow(options: DeviceFlowOptions): DeviceFlow {
  const { database, clock, audit, directory, mint } = options;

  async function record(
    action: 'device.approved' | 'device.denied' | 'device.reused',
    actor: Principal | null,
    about: { readonly agent: string; readonly scopes: readonly Scope[] },
    more: Readonly<Record<string, string>>,
  ): Promise<void> {
    await audit.append({
      action,
      request: randomBytes(8).toString('hex'),
      actor,
      repository: null,
      details: { agent: `agent:${about.agent}`, scopes: about.scopes.map(formatScope), ...more },
    });
  }

  /** A session token and the next refresh token; a fault where the person may not permit this any more. */
  async function issue(permission: Permission): Promise<PermissionAnswer> {
    const person = await directory.find(permission.person);
    if (person?.active !== true) return fault('invalid_grant');
    if (!scopesIncluded(permission.scopes, delegableScopes(directory.rolesOf(person))))
      return fault('invalid_grant');
    const now = clock.now();
    const refreshToken = `fgr_${randomBytes(32).toString('base64url')}`;
    const idleEnd = now.getTime() + permissionLimits.idle * 1_000;
    const ends = new Date(Math.min(idleEnd, permission.expiresAt.getTime()));
    const session = await mint.open({
      agent: permission.agent,
      person: person.id,
      scopes: permission.scopes,
      permission,
    });
    await insertRefresh(database, hashOf(refreshToken), permission.id, now, ends);
    return { kind: 'token', session, refreshToken };
  }

  return {
    ask: async ({ agent, scope, address }) => {
      const name = agent.replace(/^agent:/, '');
      if (!/^[A-Za-z0-9][A-Za-z0-9._@+/-]{0,119}$/.test(name))
        throw new GuardError('input/invalid', 'client_id is the name of an agent, such as release-bot');
      const scopes = readScopes(scope);
      const now = clock.now();
      await forgetRequests(database, now);
      const deviceCode = randomBytes(32).toString('base64url');
      const userCode = Array.from(
        { length: codeLength },
        () => codeLetters[randomInt(codeLetters.length)],
      ).join('');
      const asked = {
        userCode,
        agent: name,
        address: address.slice(0, 100),
        scopes,
        createdAt: now,
        expiresAt: new Date(now.getTime() + requestSeconds * 1_000),
        pollSeconds,
      };
      if (!(await insertRequest(database, hashOf(deviceCode), asked, mostWaiting)))
        throw new GuardError('request/too-many', 'too many agents wait for a person already');
      return { deviceCode, userCode: shownCode(userCode), expiresIn: requestSeconds, interval: pollSeconds };
    },
    find: (userCode) => findWaiting(database, typedCode(userCode), clock.now()),
    decide: async (userCode, decision, grant) => {
      const code = typedCode(userCode);
      const waiting = await findWaiting(database, code, clock.now());
      const person = await directory.find(grant.principal.id);
      if (waiting === undefined || person?.active !== true) return false;
      if (
        decision === 'allowed' &&
        !scopesIncluded(waiting.scopes, delegableScopes(directory.rolesOf(person)))
      )
        throw new GuardError('identity/forbidden', 'the agent asks for more than you may let your agents do');
      const { agent, address, scopes } = waiting;
      const action = decision === 'allowed' ? 'device.approved' : 'device.denied';
      await record(action, grant.principal, { agent, scopes }, { address });
      return (await decideRequest(database, code, decision, person.id, clock.now())) !== undefined;
    },
    poll: async (deviceCode) => {
      const now = clock.now();
      const hash = hashOf(deviceCode);
      const asked = await pollRequest(database, hash, now);
      if (asked === undefined || asked.expiresAt <= now) return fault('expired_token');
      const sooner =
        asked.polledAt !== null && now.getTime() - asked.polledAt.getTime() < asked.pollSeconds * 1_000;
      if (sooner) return fault('slow_down');
      if (asked.state === 'waiting' || asked.person === null) return fault('authorization_pending');
      if (!(await takeRequest(database, hash))) return fault('invalid_grant');
      if (asked.state === 'denied') return fault('access_denied');
      const permission: Permission = {
        id: `per-${randomBytes(8).toString('hex')}`,
        agent: asked.agent,
        person: asked.person,
        scopes: asked.scopes,
        createdAt: now,
        expiresAt: new Date(now.getTime() + permissionLimits.absolute * 1_000),
      };
      await insertPermission(database, permission);
      return issue(permission);
    },
    refresh: async (token, agent) => {
      const now = clock.now();
      const used = await useRefresh(database, hashOf(token), now);
      if (used === undefined || used.isExpired || used.isEnded) return fault('invalid_grant');
      if (agent?.replace(/^agent:/, '') !== used.agent) return fault('invalid_grant');
      if (used.wasUsed) {
        // Whoever copied it has what came of it, too.
        await endPermission(database, used.id, now);
        await mint.end(used.id);
        await record('device.reused', null, used, { permission: used.id, person: used.person });
        return fault('invalid_grant');
      }
      return issue(used);
    },
  };
}

function readScopes(text: string): readonly Scope[] {
  const words = text.split(' ').filter((word) => word !== '');
  if (words.length === 0 || words.length > mostScopes)
    throw new GuardError('input/invalid', `scope has 1 to ${mostScopes} scopes, separated by spaces`);
  return words.map((word) => {
    const scope = parseScope(word);
    if ('fault' in scope) throw new GuardError('input/invalid', `scope: ${scope.fault}`);
    return scope;
  });
}
