// A credential that is bound to a client certificate is good only with it (RFC 8705 §3), whichever prover knows it.
import { isBoundTo } from '../../core/certificate-thumbprint.ts';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Grant } from '../../core/principal.ts';
import type { Presented } from '../../core/services.ts';

/** The grant, where its certificate is presented or it needs none; throws a refusal otherwise, or for a bad certificate. */
export function demandCertificate(grant: Grant, { certificate, certificateFault }: Presented): Grant {
  if (certificateFault !== undefined) throw refuseIdentity('bad-certificate');
  if (grant.boundTo === undefined || isBoundTo(grant.boundTo, certificate)) return grant;
  throw refuseIdentity('not-bound', grant.principal.session);
}
