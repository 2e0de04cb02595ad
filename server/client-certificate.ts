// The certificate of whoever sends a request: proved in the TLS handshake with the guard itself, or told by a proxy that
// ended TLS and is trusted to tell (RFC 9440). From everybody else the header is text and means nothing.
import { X509Certificate } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface ClientCertificate {
  /** DER; undefined where none was shown, or a bad one. */
  readonly certificate: Uint8Array | undefined;
  /** Why a certificate that was shown is not accepted, in OpenSSL's terms. */
  readonly fault: string | undefined;
}

const none: ClientCertificate = { certificate: undefined, fault: undefined };
const key = 'clientCertificate';
const longestHeader = 16_384;

export interface CertificateSources {
  /** Addresses and networks of proxies. */
  readonly trustProxy: readonly string[];
  /** True where these proxies tell the client's certificate in the header `Client-Cert`. */
  readonly clientCertHeader: boolean;
}

/** Has every request know the certificate of its sender. */
export function readClientCertificates(app: FastifyInstance, sources: CertificateSources): void {
  const proxies = blockListOf(sources.clientCertHeader ? sources.trustProxy : []);
  app.decorateRequest(key, null);
  app.addHook('onRequest', async (request) => {
    request.setDecorator<ClientCertificate>(
      key,
      isListed(proxies, request) ? told(request) : proved(request),
    );
  });
}

/** The certificate of this request's sender. */
export function clientCertificateOf(request: FastifyRequest): ClientCertificate {
  return request.server.hasRequestDecorator(key)
    ? (request.getDecorator<ClientCertificate | null>(key) ?? none)
    : none;
}

/** By the handshake of this connection. */
function proved({ raw: { socket } }: FastifyRequest): ClientCertificate {
  if (!(socket instanceof TLSSocket)) return none;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return none;
  if (socket.authorized) return { certificate: certificate.raw, fault: undefined };
  // An error code though the type says Error.
  return { certificate: undefined, fault: String(socket.authorizationError).slice(0, 100) };
}

// Client-Cert = ":" base64 ":" (RFC 9440 §2.2, RFC 8941 §3.3.5), once. The proxy's own certificate is nobody's.
function told({ raw: { rawHeaders } }: FastifyRequest): ClientCertificate {
  const values = rawHeaders.filter(
    (_text, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'client-cert',
  );
  if (values.length === 0) return none;
  const [value = ''] = values;
  const text = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value.trim())?.[1];
  if (values.length > 1 || text === undefined || value.length > longestHeader)
    return { certificate: undefined, fault: 'BAD_HEADER' };
  try {
    return { certificate: new X509Certificate(Buffer.from(text, 'base64')).raw, fault: undefined };
  } catch {
    return { certificate: undefined, fault: 'BAD_CERTIFICATE' };
  }
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** True where the connection itself comes from there. */
function isListed(list: BlockList, { raw: { socket } }: FastifyRequest): boolean {
  const address = socket.remoteAddress ?? '';
  return address !== '' && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
