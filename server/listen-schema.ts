// The schema of what `listen` holds besides host and port.
import { isIP } from 'node:net';
import { z } from 'zod';
import { closed } from '../core/schema.ts';
import { fileName } from './config-values.ts';

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  // A prefix of no length would trust everybody.
  return /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

const trustProxy = z
  .array(z.string().refine(isNetwork, 'expected an address or network such as 10.0.0.7 or 10.0.0.0/24'))
  .max(100)
  .default([])
  .describe('addresses and networks of proxies whose `X-Forwarded-For` is believed');

const tls = closed({
  certFile: fileName.describe(
    'PEM file with the certificate of the guard and those between it and its authority',
  ),
  keyFile: fileName.describe('PEM file with its private key'),
  clientCaFile: fileName
    .optional()
    .describe('PEM file with the authorities of client certificates; without it none is asked for'),
  clientCrlFile: fileName.optional().describe('PEM file with a revocation list of each of these authorities'),
  clientCertificates: z
    .enum(['optional', 'required'])
    .default('optional')
    .describe(
      '`required`: no connection without a good certificate; `optional`: one that is shown must be good',
    ),
}).superRefine((value, context) => {
  if (value.clientCaFile !== undefined) return;
  if (value.clientCertificates === 'required' || value.clientCrlFile !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['clientCertificates'],
      message: 'client certificates need `clientCaFile`',
    });
});

/** Members of `listen` besides host and port. */
export const listenMembers = {
  trustProxy,
  clientCertHeader: z
    .boolean()
    .default(false)
    .describe(
      'true: the proxies of `trustProxy` tell client certificates in the header `Client-Cert` (RFC 9440)',
    ),
  tls: tls.optional().describe('the guard speaks https itself; files that change are read again'),
};
