// Where a client certificate comes from: the handshake with the guard's own TLS, or a trusted proxy's header. Real
// connections to a server of the guard that tells what it was shown.
import { X509Certificate } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificateThumbprint } from '../../core/certificate-thumbprint.ts';
import { createHttpServer, type HttpOptions } from '../../server/http.ts';
import { presentedBy } from '../../server/presented.ts';
import { createTlsListener, type TlsListenSettings } from '../../server/tls-listener.ts';
import { makeAuthority } from '../support/certificates.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const authority = makeAuthority();
const other = makeAuthority();
const client = authority.issue({ name: 'client' });
const thumbprint = certificateThumbprint(new X509Certificate(client.cert).raw);
const header = `:${new X509Certificate(client.cert).raw.toString('base64')}:`;

let scratch: TemporaryDirectory;
beforeAll(async () => {
  scratch = await temporaryDirectory('tls');
  await Promise.all([
    writeFile(join(scratch.path, 'ca.pem'), authority.ca),
    writeFile(join(scratch.path, 'cert.pem'), authority.cert),
    writeFile(join(scratch.path, 'key.pem'), authority.key),
  ]);
});
afterAll(() => scratch.remove());

function settings(more: Partial<TlsListenSettings> = {}): TlsListenSettings {
  const file = (name: string): string => join(scratch.path, name);
  return {
    certFile: file('cert.pem'),
    keyFile: file('key.pem'),
    clientCaFile: file('ca.pem'),
    clientCrlFile: undefined,
    clientCertificates: 'optional',
    ...more,
  };
}

interface Shown {
  readonly thumbprint: string | null;
  readonly fault: string | null;
}

async function serve(options: Partial<HttpOptions>) {
  const http = createHttpServer({
    log: { write: () => undefined },
    checkReady: async () => undefined,
    ...options,
  });
  http.get('/shown', async (request): Promise<Shown> => {
    const { certificate, certificateFault } = presentedBy(request);
    return {
      thumbprint: certificate === undefined ? null : certificateThumbprint(certificate),
      fault: certificateFault ?? null,
    };
  });
  await http.listen({ host: '127.0.0.1', port: 0 });
  const { port } = http.server.address() as AddressInfo;
  return {
    ask: async (
      more: RequestOptions = {},
    ): Promise<{ readonly shown: Shown; readonly serverCert: string }> => {
      const send = options.tls === undefined ? httpRequest : httpsRequest;
      const asked = send({
        host: '127.0.0.1',
        port,
        path: '/shown',
        agent: false,
        ca: authority.ca,
        ...more,
      }).end();
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        asked.once('response', resolve).once('error', reject);
      });
      const { socket } = asked;
      const serverCert =
        socket instanceof TLSSocket ? (socket.getPeerX509Certificate()?.toString() ?? '') : '';
      return { shown: JSON.parse(await text(response)) as Shown, serverCert };
    },
    [Symbol.asyncDispose]: () => http.close(),
  };
}

const nothing: Shown = { thumbprint: null, fault: null };
const onRefused = (): void => undefined;
const onProblem = (error: Error): void => {
  throw error;
};

describe('the own TLS', () => {
  test('knows good certificates from bad ones', async () => {
    await using server = await serve({
      tls: await createTlsListener({ settings: settings(), onProblem, onRefused }),
    });
    expect((await server.ask()).shown).toEqual(nothing);
    expect((await server.ask(client)).shown).toEqual({ thumbprint, fault: null });
    const { shown } = await server.ask(other.issue({ name: 'client' }));
    expect(shown.thumbprint).toBeNull();
    expect(shown.fault).toMatch(/^[A-Z_]+$/);
    // A header is only text.
    expect((await server.ask({ headers: { 'client-cert': header } })).shown).toEqual(nothing);
  });

  test('can require one', async () => {
    let refused = 0;
    const tls = await createTlsListener({
      settings: settings({ clientCertificates: 'required' }),
      onProblem,
      onRefused: () => (refused += 1),
    });
    await using server = await serve({ tls });
    expect((await server.ask(client)).shown).toEqual({ thumbprint, fault: null });
    await expect(server.ask()).rejects.toBeInstanceOf(Error);
    expect(refused).toBe(0);
    await expect(server.ask(other.issue({ name: 'client' }))).rejects.toBeInstanceOf(Error);
    await until('the certificate to be told', () => refused === 1);
    await expect(server.ask(authority.issue({ name: 'client', days: [-2, -1] }))).rejects.toBeInstanceOf(
      Error,
    );
    await until('the certificate to be told', () => refused === 2);
    await expect(server.ask({ ...client, maxVersion: 'TLSv1.1' })).rejects.toBeInstanceOf(Error);
  });

  test('takes files that change, and keeps what it has where they are bad', async () => {
    const files = { certFile: join(scratch.path, 'a.pem'), keyFile: join(scratch.path, 'a.key') };
    await writeFile(files.certFile, authority.cert);
    await writeFile(files.keyFile, authority.key);
    const tls = await createTlsListener({ settings: settings(files), onProblem, onRefused });
    await using server = await serve({ tls });
    expect((await server.ask()).serverCert).toBe(authority.cert);
    await writeFile(files.certFile, 'no certificate');
    await expect(tls.reload()).rejects.toMatchObject({ code: 'config/invalid' });
    expect((await server.ask()).serverCert).toBe(authority.cert);
    await writeFile(files.keyFile, other.key);
    await writeFile(`${files.certFile}.new`, other.cert);
    await rename(`${files.certFile}.new`, files.certFile);
    await tls.reload();
    expect((await server.ask({ ca: other.ca })).serverCert).toBe(other.cert);
  });

  test('does not begin with files that do not fit', async () => {
    const wrong = settings({ keyFile: join(scratch.path, 'ca.pem') });
    await expect(createTlsListener({ settings: wrong, onProblem, onRefused })).rejects.toMatchObject({
      code: 'config/invalid',
    });
    const missing = settings({ certFile: join(scratch.path, 'missing') });
    await expect(createTlsListener({ settings: missing, onProblem, onRefused })).rejects.toMatchObject({
      code: 'config/unreadable',
    });
  });
});

describe('a proxy that tells', () => {
  const behind = { trustProxy: ['127.0.0.0/8'], clientCertHeader: true };

  test('is believed where it is trusted to', async () => {
    await using server = await serve(behind);
    expect((await server.ask()).shown).toEqual(nothing);
    expect((await server.ask({ headers: { 'client-cert': header } })).shown).toEqual({
      thumbprint,
      fault: null,
    });
    for (const bad of ['', 'x', `${header}, ${header}`, header.slice(0, -1), ':AAAA:']) {
      const { shown } = await server.ask({ headers: { 'client-cert': bad } });
      expect([bad, shown.thumbprint, shown.fault]).toEqual([bad, null, expect.stringMatching(/^BAD_/)]);
    }
    const { shown } = await server.ask({ headers: { 'client-cert': [header, header] } });
    expect(shown).toEqual({ thumbprint: null, fault: 'BAD_HEADER' });
  });

  test('is not believed where it is not, and never is its own certificate taken for a client', async () => {
    for (const options of [
      { trustProxy: ['127.0.0.1'], clientCertHeader: false },
      { trustProxy: ['10.0.0.1'], clientCertHeader: true },
      { trustProxy: [], clientCertHeader: true },
    ]) {
      await using server = await serve(options);
      expect((await server.ask({ headers: { 'client-cert': header } })).shown).toEqual(nothing);
    }
    const tls = await createTlsListener({ settings: settings(), onProblem, onRefused });
    await using server = await serve({ ...behind, tls });
    expect((await server.ask(client)).shown).toEqual(nothing);
  });
});
