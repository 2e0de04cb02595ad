// A time stamping authority (RFC 3161) for tests: openssl signs, a small HTTP server carries. Its certificates are made
// when a test runs.
import { createServer } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { run } from './run.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface TestAuthority extends AsyncDisposable {
  readonly url: string;
  /** PEM text and file of the root. */
  readonly ca: string;
  readonly caFile: string;
  /** What it answers instead of a stamp; undefined: it stamps. */
  answer: ((query: Buffer) => Promise<Buffer>) | undefined;
}

const settings = (directory: string, usage: string): string => `
[tsa]
serial = ${directory}/serial
crypto_device = builtin
signer_cert = ${directory}/tsa.pem
certs = ${directory}/ca.pem
signer_key = ${directory}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.1
other_policies = 1.3.6.1.4.1.32473.2
digests = sha256
accuracy = secs:1
[leaf]
basicConstraints = CA:FALSE
extendedKeyUsage = ${usage}
[req]
distinguished_name = name
[name]
`;

/** Starts one; `usage` is the extended key usage of its certificate. */
export async function startTimeStampingAuthority(usage = 'critical,timeStamping'): Promise<TestAuthority> {
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await temporaryDirectory('tsa'));
  const at = (name: string): string => join(directory.path, name);
  const openssl = async (...args: string[]): Promise<void> => {
    const done = await run('openssl', args, { env: { PATH: process.env['PATH'] ?? '' } });
    if (done.code !== 0) throw new Error(`openssl ${args[0]}: ${done.stderr}`);
  };
  await writeFile(at('config'), settings(directory.path, usage));
  await writeFile(at('serial'), '01\n');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const root = ['-subj', '/CN=Test stamps root', '-days', '2', '-addext', 'keyUsage=critical,keyCertSign'];
  await openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), ...root);
  const request = ['-keyout', at('tsa.key'), '-out', at('tsa.csr'), '-subj', '/CN=Test stamps'];
  await openssl('req', ...key, ...request);
  const issuer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '1'];
  const leaf = ['-extfile', at('config'), '-extensions', 'leaf', '-out', at('tsa.pem')];
  await openssl('x509', '-req', '-in', at('tsa.csr'), ...issuer, ...leaf);

  let queries = 0;
  const stamp = async (query: Buffer): Promise<Buffer> => {
    const name = at(`query-${(queries += 1)}`);
    await writeFile(name, query);
    const how = ['-queryfile', name, '-config', at('config'), '-section', 'tsa', '-out', `${name}.tsr`];
    await openssl('ts', '-reply', ...how);
    return readFile(`${name}.tsr`);
  };
  const server = createServer((message, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(Buffer.from(chunk as Uint8Array));
      const bytes = await (made.answer ?? stamp)(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(bytes);
    })().catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  resources.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const ca = await readFile(at('ca.pem'), 'utf8');
  const kept = resources.move();
  const made: TestAuthority = {
    url: `http://127.0.0.1:${port}/`,
    ca,
    caFile: at('ca.pem'),
    answer: undefined,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
  return made;
}
