// The door to S3 and what speaks its protocol: put an object once or again, ask for one, look a bucket over. Trusts the
// configured endpoint to keep what it acknowledged; shows neither keys nor what the endpoint says in words.
import { hash } from 'node:crypto';
import { Agent } from 'node:https';
import type * as Sdk from '@aws-sdk/client-s3';
import { GuardError } from '../core/errors.ts';
import type { Secret } from './secret.ts';

export interface S3Settings {
  /** Base URL of a store that is not Amazon's; undefined: Amazon S3 in `region`. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** True: the bucket is the first segment of the path instead of a part of the host name. */
  readonly pathStyle: boolean;
  /** Undefined: what the machine was given, such as a role of the instance or of the pod. */
  readonly credentials:
    | {
        readonly accessKeyId: Secret;
        readonly secretAccessKey: Secret;
        readonly sessionToken: Secret | undefined;
      }
    | undefined;
  /** PEM text of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
}

/** Until when nobody may delete or change an object. `governance` may be lifted by who has that right. */
export interface S3Lock {
  readonly mode: 'governance' | 'compliance';
  readonly until: Date;
}

export interface S3Put {
  readonly key: string;
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly lock?: S3Lock;
  /** True: an object that is there already stays, and the answer is `exists`. Not every store knows this. */
  readonly ifAbsent?: boolean;
  /** Only where the object there has this tag; the answer is `exists` where it has not, or there is none. */
  readonly ifTag?: string;
}

export interface S3Store extends Disposable {
  /** Fulfils once the store has acknowledged the object. */
  put(object: S3Put, signal: AbortSignal): Promise<'created' | 'exists'>;
  /** The object's bytes; undefined where there is none. Rejects where it is longer than `maxBytes`. */
  get(key: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** The same with its tag. */
  getTagged(
    key: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<{ readonly body: Uint8Array; readonly tag: string } | undefined>;
  has(key: string, signal: AbortSignal): Promise<boolean>;
  /** The lock of the object's newest version; undefined where it has none. */
  lockOf(key: string, signal: AbortSignal): Promise<S3Lock | undefined>;
  /** Whether the bucket is there and may be used. */
  check(signal: AbortSignal): Promise<void>;
  /** Whether the bucket keeps locked objects. */
  keepsLocks(signal: AbortSignal): Promise<boolean>;
}

const connectMs = 5_000;
const answerMs = 20_000;
const mostSockets = 4;

interface Answered {
  readonly name: string;
  readonly status: number | undefined;
}

function answered(thrown: unknown): Answered {
  const name = thrown instanceof Error ? thrown.name : 'unknown';
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : name;
  const metadata: unknown = thrown instanceof Error && '$metadata' in thrown ? thrown.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode)
      : undefined;
  return { name: /^[A-Za-z0-9_.-]{1,80}$/.test(code) ? code : 'unknown', status };
}

function saying(thrown: unknown): string {
  const { name, status } = answered(thrown);
  return status === undefined ? name : `${status}, ${name}`;
}

function failure(attempt: string, thrown: unknown): GuardError {
  const message = `couldn't ${attempt}: the object store answered ${saying(thrown)}`;
  return new GuardError('storage/failed', message, { cause: thrown });
}

/** What the store answered, by a rejection of it: status and code, such as `503, SlowDown`. */
export function storageProblem(rejection: unknown): string {
  return saying(rejection instanceof GuardError ? rejection.cause : rejection);
}

function isAbsent(thrown: unknown): boolean {
  const { name, status } = answered(thrown);
  return status === 404 && name !== 'NoSuchBucket';
}

/** The condition of a put was not met, or somebody else puts at the same time. */
function isUnmet(thrown: unknown): boolean {
  const { name, status } = answered(thrown);
  return status === 412 || (status === 409 && name === 'ConditionalRequestConflict');
}

interface Opened {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.S3Client;
}

/** Loads the library, which most guards have no use for, and makes a client; nothing is asked yet. */
async function openClient({ region, pathStyle, endpoint, credentials, ca }: S3Settings): Promise<Opened> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    region,
    forcePathStyle: pathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKeyId.reveal(),
            secretAccessKey: credentials.secretAccessKey.reveal(),
            ...(credentials.sessionToken === undefined
              ? {}
              : { sessionToken: credentials.sessionToken.reveal() }),
          },
        }),
    // Stores that are not Amazon's know the older checksums only; each put brings its SHA-256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Whoever calls decides when to try again.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
      httpsAgent: new Agent({
        keepAlive: true,
        maxSockets: mostSockets,
        ...(ca === undefined ? {} : { ca }),
      }),
    },
  });
  return { sdk, client };
}

/** Opens a store; nothing is asked yet. Every call rejects with `storage/failed`, with its signal or after 20 seconds. */
export function openS3Store(settings: S3Settings): S3Store {
  const { bucket } = settings;
  let opened: Promise<Opened> | undefined;
  const open = (): Promise<Opened> => (opened ??= openClient(settings));
  const bounded = (signal: AbortSignal) => ({
    abortSignal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
  });

  async function read(key: string, maxBytes: number, signal: AbortSignal) {
    try {
      const { sdk, client } = await open();
      const answer = await client.send(
        new sdk.GetObjectCommand({ Bucket: bucket, Key: key }),
        bounded(signal),
      );
      if ((answer.ContentLength ?? 0) > maxBytes) throw new RangeError('too long');
      const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      return { body, tag: answer.ETag ?? '' };
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw failure(`get ${key} out of the bucket ${bucket}`, thrown);
    }
  }

  return {
    put: async ({ key, body, contentType, lock, ifAbsent = false, ifTag }, signal) => {
      const { sdk, client } = await open();
      const command = new sdk.PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentType: contentType,
        // Object Lock demands a checksum; each put has one.
        ContentMD5: hash('md5', body, 'base64'),
        ChecksumSHA256: hash('sha256', body, 'base64'),
        ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
        ...(ifTag === undefined ? {} : { IfMatch: ifTag }),
        ...(lock === undefined
          ? {}
          : {
              ObjectLockMode: lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
              ObjectLockRetainUntilDate: lock.until,
            }),
      });
      try {
        await client.send(command, bounded(signal));
        return 'created';
      } catch (thrown) {
        if ((ifAbsent || ifTag !== undefined) && isUnmet(thrown)) return 'exists';
        throw failure(`put ${key} into the bucket ${bucket}`, thrown);
      }
    },
    get: async (key, maxBytes, signal) => (await read(key, maxBytes, signal))?.body,
    getTagged: read,
    has: async (key, signal) => {
      const { sdk, client } = await open();
      try {
        await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), bounded(signal));
        return true;
      } catch (thrown) {
        if (isAbsent(thrown)) return false;
        throw failure(`look for ${key} in the bucket ${bucket}`, thrown);
      }
    },
    lockOf: async (key, signal) => {
      const { sdk, client } = await open();
      try {
        const { Retention } = await client.send(
          new sdk.GetObjectRetentionCommand({ Bucket: bucket, Key: key }),
          bounded(signal),
        );
        if (Retention?.Mode === undefined || Retention.RetainUntilDate === undefined) return undefined;
        return {
          mode: Retention.Mode === 'COMPLIANCE' ? 'compliance' : 'governance',
          until: Retention.RetainUntilDate,
        };
      } catch (thrown) {
        if (answered(thrown).name === 'NoSuchObjectLockConfiguration') return undefined;
        throw failure(`read the lock of ${key} in the bucket ${bucket}`, thrown);
      }
    },
    check: async (signal) => {
      const { sdk, client } = await open();
      try {
        await client.send(new sdk.HeadBucketCommand({ Bucket: bucket }), bounded(signal));
      } catch (thrown) {
        throw failure(`reach the bucket ${bucket}`, thrown);
      }
    },
    keepsLocks: async (signal) => {
      const { sdk, client } = await open();
      try {
        const { ObjectLockConfiguration } = await client.send(
          new sdk.GetObjectLockConfigurationCommand({ Bucket: bucket }),
          bounded(signal),
        );
        return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
      } catch (thrown) {
        const { name, status } = answered(thrown);
        if (name === 'ObjectLockConfigurationNotFoundError' || status === 501) return false;
        throw failure(`read the locks of the bucket ${bucket}`, thrown);
      }
    },
    [Symbol.dispose]: () => void opened?.then(({ client }) => client.destroy()),
  };
}
