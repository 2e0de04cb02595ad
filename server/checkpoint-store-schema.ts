// `audit.checkpointStore` in `forgeguard.yaml`: another PostgreSQL, or a bucket.
import type { z } from 'zod';
import { closed } from '../core/schema.ts';
import { isPlainRemote } from './address.ts';
import { fileName } from './config-values.ts';
import { s3Place, s3PlaceFaults } from './s3-schema.ts';

/** `url` is how the configuration writes the URL of a database. */
export function checkpointStoreSchema<Url extends z.ZodType>(url: Url) {
  return closed({
    url: url.optional().describe('another PostgreSQL, 13 or newer'),
    s3: closed({
      ...s3Place,
      caFile: fileName.optional().describe('PEM file with the certificate authorities of the store'),
    })
      .superRefine((place, context) => {
        for (const [path, message] of s3PlaceFaults(place))
          context.addIssue({ code: 'custom', path: [path], message });
        if (place.endpoint !== undefined && isPlainRemote(place.endpoint))
          context.addIssue({
            code: 'custom',
            path: ['endpoint'],
            message: 'http to another machine is refused: use https',
          });
      })
      .optional()
      .describe('bucket of a store that keeps `If-Match` and `If-None-Match`'),
  })
    .superRefine((store, context) => {
      if ((store.url === undefined) === (store.s3 === undefined))
        context.addIssue({
          code: 'custom',
          message: 'name either the `url` of a database or a bucket in `s3`',
        });
    })
    .optional()
    .describe('where guards that share a database keep the last checkpoint besides');
}
