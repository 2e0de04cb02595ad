// What a request presents of its sender, for the identity service. Everything in it is attacker-controlled but the
// address, which is the connection's, and the certificate, whose key was proved.
import type { FastifyRequest } from 'fastify';
import type { Presented } from '../core/services.ts';
import { clientCertificateOf } from './client-certificate.ts';

/** Reads it from the request; `repository` is what the request is about, where that is known. */
export function presentedBy(request: FastifyRequest, repository?: string): Presented {
  const { certificate, fault } = clientCertificateOf(request);
  return {
    certificate,
    certificateFault: fault,
    authorization: authorizationOf(request),
    address: request.ip,
    cookie: request.headers.cookie,
    ...(repository === undefined ? {} : { repository }),
  };
}

/**
 * The `Authorization` header. Node keeps the first of several and drops the others; here they are joined as RFC 9110 §5.3
 * says, which makes no credential, so that nobody in front of the guard can have read another one.
 */
export function authorizationOf({ raw }: FastifyRequest): string | undefined {
  const names = raw.rawHeaders.map((name, index) =>
    index % 2 === 0 && name.toLowerCase() === 'authorization' ? index : -1,
  );
  const sent = names.filter((index) => index >= 0).map((index) => raw.rawHeaders[index + 1] ?? '');
  return sent.length === 0 ? undefined : sent.join(', ');
}
