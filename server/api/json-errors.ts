// Errors of the API: the same codes, messages and remedies as everywhere, as JSON. What Fastify says about a request may
// quote it, so its own messages are not passed on.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { asGuardError, GuardError } from '../../core/errors.ts';
import { errorHeaders } from '../../core/too-many.ts';

export const errorBody = z
  .object({
    error: z.object({
      code: z.string().describe('one of the codes of docs/errors.md'),
      message: z.string().describe('what was attempted, and why it was refused'),
      remedy: z.string().describe('what the reader can do about it'),
      request: z.string().describe('id of this HTTP request, for the operator'),
    }),
  })
  .meta({ id: 'Error' });

/** Answers everything that is thrown below this instance, and unknown paths, with an `errorBody`. */
export function answerErrorsAsJson(app: FastifyInstance): void {
  app.setErrorHandler(async (thrown, request, reply) => {
    const error = asGuardError(ofFastify(thrown), 'internal', 'something went wrong inside the guard');
    if (error.status >= 500)
      request.log.error({ request: request.id, code: error.code, err: error }, 'failed');
    return send(reply, request, error);
  });
  app.setNotFoundHandler(async (request, reply) =>
    send(reply, request, new GuardError('route/unknown-path', 'the API has nothing at this path')),
  );
}

function send(reply: FastifyReply, request: FastifyRequest, error: GuardError): FastifyReply {
  const { status, code, message, remedy } = error;
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="forgeguard"');
  const body: z.output<typeof errorBody> = { error: { code, message, remedy, request: request.id } };
  reply.headers(errorHeaders(error));
  // No schema of the route may stand between an error and its reader.
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(body);
}

const sayings: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'the body is not valid JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'the body is empty, but its Content-Type says JSON',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'the body must be JSON, with the Content-Type application/json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'the body is too large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'the body is not as long as its Content-Length says',
};

function ofFastify(thrown: unknown): unknown {
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const places = thrown.validation.map(({ instancePath, message }) => {
      const name = instancePath.split('/').filter(Boolean).join('.');
      return `${name === '' ? 'the whole' : name}: ${message ?? 'is not valid'}`;
    });
    const where = { body: 'body', querystring: 'query', params: 'path', headers: 'headers' };
    const part = where[thrown.validationContext ?? 'body'];
    return new GuardError('input/invalid', `the ${part} of the request is not valid: ${places.join('; ')}`);
  }
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const saying = sayings[code];
  return saying === undefined ? thrown : new GuardError('input/invalid', saying);
}
