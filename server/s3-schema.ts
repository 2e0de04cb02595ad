// Where objects are put in S3, as it is written in `forgeguard.yaml`, and as it is in force.
import { z } from 'zod';
import type { ValuePath } from '../core/yaml.ts';
import { formatBaseUrl } from './address.ts';
import type { ReferenceReader } from './config-references.ts';
import { baseUrl, secretRef } from './config-values.ts';
import type { S3Settings } from './s3.ts';

/** The keys that name a bucket and how to reach it. */
export const s3Place = {
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket')
    .describe('name of the bucket'),
  prefix: z
    .string()
    .regex(
      /^([A-Za-z0-9._-]+\/)*$/,
      'expected folders such as forgeguard/audit/, each with a slash at its end',
    )
    .max(500)
    .default('')
    .describe('what the names of the objects begin with'),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,50}$/, 'expected a region such as eu-central-1')
    .default('us-east-1')
    .describe('region of the bucket'),
  endpoint: baseUrl.optional().describe('URL of a store that is not Amazon’s'),
  pathStyle: z
    .boolean()
    .default(false)
    .describe('names the bucket in the path instead of the host name, as many stores want it'),
  accessKeyId: secretRef.optional().describe('access key; without it the role of the machine is used'),
  secretAccessKey: secretRef.optional().describe('its secret'),
  sessionToken: secretRef.optional().describe('token of a temporary access key'),
};

type WrittenPlace = z.output<z.ZodObject<typeof s3Place>>;

/** Keys that do not fit together, and why. */
export function s3PlaceFaults(place: WrittenPlace): readonly (readonly [string, string])[] {
  const faults: [string, string][] = [];
  if ((place.accessKeyId === undefined) !== (place.secretAccessKey === undefined))
    faults.push(['accessKeyId', '`accessKeyId` and `secretAccessKey` belong together']);
  if (place.sessionToken !== undefined && place.accessKeyId === undefined)
    faults.push(['sessionToken', 'a `sessionToken` belongs to an `accessKeyId`']);
  return faults;
}

/** The place with its secrets read. */
export async function resolveS3Place(
  references: ReferenceReader,
  at: (name: string) => ValuePath,
  place: WrittenPlace & { readonly caFile?: string | undefined },
): Promise<S3Settings> {
  const { accessKeyId, secretAccessKey, sessionToken, bucket, region, pathStyle, endpoint, caFile } = place;
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : {
          accessKeyId: await references.secret(accessKeyId, at('accessKeyId')),
          secretAccessKey: await references.secret(secretAccessKey, at('secretAccessKey')),
          sessionToken: sessionToken && (await references.secret(sessionToken, at('sessionToken'))),
        };
  const ca = caFile === undefined ? undefined : await references.certificates(caFile, at('caFile'));
  return {
    endpoint: endpoint && formatBaseUrl(endpoint),
    region,
    bucket,
    pathStyle,
    credentials,
    ...(ca === undefined ? {} : { ca }),
  };
}
