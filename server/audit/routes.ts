// The log over HTTP as C2SP tlog-tiles: `/audit/checkpoint`, `/audit/tile/…`. Entries tell who did what, so reading them
// needs a token with the verb `audit` for all repositories and is itself an entry. Checkpoint and hashes need the same
// token unless the configuration makes them public.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditEvent } from '../../core/audit-event.ts';
import { GuardError } from '../../core/errors.ts';
import type { Grant } from '../../core/principal.ts';
import { coversEverything } from '../../core/scope.ts';
import type { AuditLog, IdentityService } from '../../core/services.ts';
import { parseTilePath, tileWidth } from '../../core/tile.ts';
import type { Queryable } from '../db.ts';
import { presentedBy } from '../presented.ts';
import { readNewestCosigned, readNewestNote } from './store.ts';
import { readTile } from './tiles.ts';

export interface AuditRoutesOptions {
  readonly database: Queryable;
  readonly identity: IdentityService;
  readonly audit: Pick<AuditLog, 'append'>;
  /** Whether the checkpoint and the hashes, but never entries, are for everybody. */
  readonly publicProofs: boolean;
}

const compress = promisify(gzip);
const smallestCompressed = 1_024;
/** What is once in the log never changes; a browser or proxy of one client may keep it for a year. */
const forever = (who: 'public' | 'private'): string => `${who}, max-age=31536000, immutable`;

function notFound(what: string): GuardError {
  return new GuardError('audit/not-found', `the audit log has no ${what}`);
}

async function send(request: FastifyRequest, reply: FastifyReply, bytes: Uint8Array): Promise<FastifyReply> {
  reply.type('application/octet-stream').header('vary', 'accept-encoding, authorization');
  const accepts = request.headers['accept-encoding']?.includes('gzip') === true;
  if (!accepts || bytes.length < smallestCompressed) return reply.send(bytes);
  return reply.header('content-encoding', 'gzip').send(await compress(bytes));
}

/** Registers `/audit/checkpoint`, `/audit/cosigned` and `/audit/tile/*`. */
export async function auditRoutes(app: FastifyInstance, options: AuditRoutesOptions): Promise<void> {
  const { database, identity, audit, publicProofs } = options;

  /** Recorded before anything is sent. */
  async function record(
    request: FastifyRequest,
    { principal }: Grant,
    action: 'audit.read' | 'audit.refused',
    details: AuditEvent['details'],
  ): Promise<void> {
    await audit.append({ action, request: request.id, actor: principal, repository: null, details });
  }

  async function enter(request: FastifyRequest): Promise<Grant> {
    const grant = await identity.authenticate(presentedBy(request));
    if (coversEverything(grant, 'audit')) return grant;
    await record(request, grant, 'audit.refused', { by: 'http' });
    const message = 'this token may not read the audit log: its scope must be written **:audit';
    throw new GuardError('identity/forbidden', message);
  }

  app.get('/audit/checkpoint', async (request, reply) => {
    if (!publicProofs) await enter(request);
    const note = await readNewestNote(database);
    if (note === undefined) throw notFound('checkpoint yet');
    return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-cache').send(note);
  });

  app.get('/audit/cosigned', async (request, reply) => {
    if (!publicProofs) await enter(request);
    const cosigned = await readNewestCosigned(database, Number.MAX_SAFE_INTEGER);
    if (cosigned === undefined) throw notFound('cosigned checkpoint yet');
    return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-cache').send(cosigned.note);
  });

  app.get<{ Params: { '*': string } }>('/audit/tile/*', async (request, reply) => {
    const tile = parseTilePath(request.params['*']);
    const isPublic = publicProofs && tile !== undefined && tile.level !== 'entries';
    const grant = isPublic ? undefined : await enter(request);
    const bytes = tile === undefined ? undefined : await readTile(database, tile);
    if (tile === undefined || bytes === undefined) throw notFound('such tile');
    if (grant !== undefined && tile.level === 'entries') {
      const first = tile.index * tileWidth;
      await record(request, grant, 'audit.read', { by: 'http', first, entries: tile.width });
    }
    reply.header('cache-control', forever(isPublic ? 'public' : 'private'));
    return send(request, reply, bytes);
  });
}
