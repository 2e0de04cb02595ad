// Where an agent asks for a code (RFC 8628 §3.1). Anybody may ask: what is asked for is worth nothing until a person permits
// it, and how many may wait is bounded.
import formBody from '@fastify/formbody';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { asGuardError, GuardError } from '../../core/errors.ts';
import type { DeviceFlow } from './device-flow.ts';

export interface DeviceRoutesOptions {
  readonly devices: DeviceFlow;
  /** Base URL of the guard, without a trailing slash. */
  readonly publicUrl: string;
}

const longestForm = 16_384;
const requestsPerMinute = 30;
const form = z.object({ client_id: z.string().min(1).max(200), scope: z.string().min(1).max(4_000) });

/** Registers `POST /oauth/device_authorization`. */
export async function deviceRoutes(
  app: FastifyInstance,
  { devices, publicUrl }: DeviceRoutesOptions,
): Promise<void> {
  await app.register(formBody, { bodyLimit: longestForm });
  await app.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: () => new GuardError('request/too-many', 'too many codes were asked for'),
  });
  app.setErrorHandler(async (thrown, request, reply) => {
    const error = asGuardError(thrown, 'internal', 'something went wrong inside the guard');
    if (error.status >= 500)
      request.log.error({ request: request.id, code: error.code, err: error }, 'failed');
    const name =
      error.status === 429 ? 'slow_down' : error.status < 500 ? 'invalid_request' : 'temporarily_unavailable';
    return reply.code(error.status === 429 ? 429 : error.status < 500 ? 400 : 503).send({
      error: name,
      error_description: error.message.replaceAll(/[^ !#-[\]-~]/g, ''),
      request: request.id,
    });
  });
  app.post('/oauth/device_authorization', async (request, reply) => {
    const asked = form.safeParse(request.body);
    if (!asked.success) throw new GuardError('input/invalid', 'client_id and scope are needed');
    const { client_id: agent, scope } = asked.data;
    const made = await devices.ask({ agent, scope, address: request.ip });
    return reply.header('cache-control', 'no-store').send({
      device_code: made.deviceCode,
      user_code: made.userCode,
      verification_uri: `${publicUrl}/ui/device`,
      verification_uri_complete: `${publicUrl}/ui/device?code=${made.userCode}`,
      expires_in: made.expiresIn,
      interval: made.interval,
    });
  });
}
