// A real OpenID Connect server on loopback with keys that are made when a test runs. It can be stopped, started again at
// the same address with new keys, and counts who asks for its keys.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server';

export interface TokenParts {
  readonly header?: Readonly<Record<string, unknown>>;
  /** Members that are undefined are left out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Seconds; default five minutes. */
  readonly lifetime?: number;
  readonly kid?: string;
}

export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  /** A signed token; `iss`, `iat`, `nbf` and `exp` are filled in. */
  token(parts?: TokenParts): Promise<string>;
  /** Adds a key and signs with it from now on; returns its id. */
  addKey(algorithm?: string): Promise<string>;
  /** Forgets all keys and begins with a new one. */
  replaceKeys(): Promise<void>;
  /** The keys as they are published. */
  jwks(): { keys: Record<string, unknown>[] };
  /** How often the keys were asked for. */
  asked(): number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts one. */
export async function startIssuer(algorithm = 'RS256'): Promise<TestIssuer> {
  let service = new OAuth2Service(new OAuth2Issuer());
  let kid = (await service.issuer.keys.generate(algorithm)).kid;
  let asked = 0;
  const open = async (port: number): Promise<Server> => {
    const server = createServer((request, response) => {
      if (request.url === '/jwks') asked += 1;
      service.requestHandler(request, response);
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return server;
  };
  let server = await open(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  service.issuer.url = url;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url,
    token: ({ header = {}, claims = {}, lifetime = 300, kid: wanted = kid } = {}) =>
      service.issuer.buildToken({
        kid: wanted,
        expiresIn: lifetime,
        scopesOrTransform: (head, payload) => {
          Object.assign(head, header);
          Object.assign(payload, claims);
          for (const [name, value] of Object.entries(claims)) if (value === undefined) delete payload[name];
        },
      }),
    addKey: async (other = algorithm) => (kid = (await service.issuer.keys.generate(other)).kid),
    replaceKeys: async () => {
      service = new OAuth2Service(new OAuth2Issuer());
      service.issuer.url = url;
      kid = (await service.issuer.keys.generate(algorithm)).kid;
    },
    jwks: () => ({ keys: service.issuer.keys.toJSON() }),
    asked: () => asked,
    stop: close,
    start: async () => {
      server = await open(port);
    },
    [Symbol.asyncDispose]: close,
  };
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as one writes it who does not keep to the rules; `sign` is given what is to be signed. */
export function forgedToken(header: object, claims: object, sign: (text: string) => string): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${sign(text)}`;
}

/** The parts of a token, for one that is made from it. */
export function partsOf(token: string): {
  readonly header: object;
  readonly claims: object;
  readonly signature: string;
} {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const decode = (text: string): object =>
    JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as object;
  return { header: decode(header), claims: decode(claims), signature };
}
