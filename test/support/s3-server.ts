// An S3 server on the loopback, by a package that shares nothing with the client: it checks signatures and keeps objects
// in files. It knows no Object Lock; what a client asks for in that matter is seen in the headers.
import {
  createServer as createHttp,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import S3rver from '@20minutes/s3rver';
import { S3Client, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { S3Settings } from '../../server/s3.ts';
import { Secret } from '../../server/secret.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface S3Server extends AsyncDisposable {
  readonly url: string;
  readonly settings: S3Settings;
  /** What was asked, with its headers. */
  readonly requests: {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
  }[];
  /** What it answers instead of doing what is asked; undefined: it does. */
  fault: { readonly status: number; readonly code: string } | 'silent' | undefined;
  /** False: it does not know `If-Match` and `If-None-Match`. */
  conditions: boolean;
  /** Names of the objects, sorted. */
  keys(): Promise<readonly string[]>;
  text(key: string): Promise<string>;
}

/** The only account that the package knows. */
const account = 'S3RVER';
const bucket = 'evidence';

export async function startS3Server(tls?: {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}): Promise<S3Server> {
  const directory = await temporaryDirectory('s3');
  const options = {
    directory: directory.path,
    silent: true,
    vhostBuckets: false,
    configureBuckets: [{ name: bucket }],
  };
  const store = new S3rver(options);
  await store.configureBuckets();
  const serve = store.callback();
  // The package drops the slash behind a bucket's name before it checks the signature, so it cannot be right there.
  const serveBucket = new S3rver({ ...options, allowMismatchedSignatures: true }).callback();
  // The package knows no conditions: they are judged here, one such put after the other.
  let turn: Promise<void> = Promise.resolve();
  const tagOf = async (key: string): Promise<string | undefined> => {
    const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
    return (await reader.send(command).catch(() => undefined))?.ETag;
  };
  const putIf: RequestListener = (request, response) => {
    const { 'if-match': wanted, 'if-none-match': absent } = request.headers;
    const done = new Promise<void>((resolve) => response.on('close', resolve));
    turn = turn.then(async () => {
      const key = decodeURIComponent((request.url ?? '').split('?')[0]?.slice(bucket.length + 2) ?? '');
      const tag = made.conditions ? await tagOf(key) : wanted;
      const isMet = !made.conditions || (absent === undefined ? tag === wanted : tag === undefined);
      if (isMet) serve(request, response);
      else response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>');
      await done;
    });
  };
  const listener: RequestListener = (request, response) => {
    made.requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
    });
    const { fault } = made;
    if (fault === undefined) {
      const isBucket = request.url?.split('?')[0] === `/${bucket}/`;
      const { 'if-match': match, 'if-none-match': none } = request.headers;
      const isConditional = request.method === 'PUT' && (match ?? none) !== undefined;
      (isBucket ? serveBucket : isConditional ? putIf : serve)(request, response);
      return;
    }
    request.resume();
    if (fault === 'silent') return;
    response
      .writeHead(fault.status, { 'content-type': 'application/xml' })
      .end(`<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>no</Message></Error>`);
  };
  const server: Server = tls === undefined ? createHttp(listener) : createHttps(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const reader = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: account, secretAccessKey: account },
  });
  const made: S3Server = {
    url,
    settings: {
      endpoint: url,
      region: 'us-east-1',
      bucket,
      pathStyle: true,
      credentials: {
        accessKeyId: new Secret(account),
        secretAccessKey: new Secret(account),
        sessionToken: undefined,
      },
      ...(tls === undefined ? {} : { ca: tls.ca }),
    },
    requests: [],
    fault: undefined,
    conditions: true,
    keys: async () => {
      const { Contents = [] } = await reader.send(new ListObjectsV2Command({ Bucket: bucket }));
      return Contents.map(({ Key = '' }) => Key).toSorted();
    },
    text: async (key) => {
      const { Body } = await reader.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await Body?.transformToString()) ?? '';
    },
    [Symbol.asyncDispose]: async () => {
      reader.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await directory.remove();
    },
  };
  return made;
}
