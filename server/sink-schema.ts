// The schema of `audit.sinks` in `forgeguard.yaml`.
import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { closed, duration } from '../core/schema.ts';
import { isLoopback, isPlainRemote } from './address.ts';
import { fileName, secretRef } from './config-values.ts';
import { parseHookUrl } from './notification-address.ts';
import { s3Place, s3PlaceFaults } from './s3-schema.ts';

const seconds = (text: string): number => parseDuration(text) ?? 0;
const plain = (what: string) => z.boolean().default(false).describe(what);

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name is written with a-z, 0-9 and "-", at most 63 characters')
    .describe('unique name; how far the log was sent is remembered under it'),
  filter: z
    .array(
      z
        .string()
        .regex(
          /^[a-z][a-z-]*\.[a-z-]*$/,
          'expected an action such as push.refused, or push. for all that begin so',
        ),
    )
    .max(50)
    .default([])
    .describe('actions that are sent, or what they begin with; without it all are'),
  from: z
    .enum(['start', 'now'])
    .default('start')
    .describe('where a new sink begins: with the first entry of the log, or with the next'),
};
const checkpointEvery = duration({ least: '1s', most: '1d' })
  .default(seconds('1m'))
  .describe('how often a signed checkpoint goes along');
const caFile = fileName.optional().describe('PEM file with the certificate authorities of the receiver');
const client = closed({
  certificateFile: fileName.describe('PEM file with the certificate, and those in between'),
  key: secretRef.describe('its private key in PEM; only as `{file: PATH}`'),
})
  .optional()
  .describe('certificate that the guard shows the receiver');

const syslog = closed({
  kind: z.literal('syslog').describe('syslog, RFC 5424, over TLS or TCP'),
  ...common,
  host: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'expected a host name or an address')
    .describe('host name or address of the receiver'),
  port: z.int().min(1).max(65_535).default(6514).describe('TCP port'),
  format: z.enum(['json', 'cef']).default('json').describe('what the text of a message is'),
  facility: z.int().min(0).max(23).default(13).describe('syslog facility; 13 is "log audit"'),
  enterpriseNumber: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .default(32_473)
    .describe('private enterprise number in the name of the structured data, your own if you have one'),
  hostName: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'expected printable ASCII without spaces')
    .optional()
    .describe('host name in the messages; without it the one of this machine'),
  maxMessageBytes: z
    .int()
    .min(2_048)
    .max(262_144)
    .default(8_192)
    .describe('longest message; a longer entry goes without its details'),
  resend: z
    .int()
    .min(0)
    .max(100_000)
    .default(1_000)
    .describe('how many entries are sent again over each new connection'),
  checkpointEvery,
  caFile,
  client,
  plainTcp: plain('sends over TCP without TLS; only to this machine'),
  dangerouslyAllowPlainSyslog: plain(
    'allows `plainTcp` to another machine: entries can be read on the network',
  ),
});

const http = closed({
  kind: z.literal('http').describe('HTTP POST'),
  ...common,
  url: z
    .union(
      [
        z.string().superRefine((text, context) => {
          if (parseHookUrl(text) === undefined)
            context.addIssue({
              code: 'custom',
              message: 'expected an http or https URL without user name and fragment',
            });
        }),
        secretRef,
      ],
      { error: 'expected a URL, {env: NAME} or {file: PATH}' },
    )
    .describe('where batches are posted to'),
  format: z.enum(['json', 'ocsf', 'cef']).describe('lines of JSON, an array of OCSF events, or lines of CEF'),
  token: secretRef.optional().describe('sent as `Authorization: Bearer`'),
  headers: z
    .array(
      closed({
        name: z
          .string()
          .regex(/^[A-Za-z0-9-]{1,100}$/, 'expected the name of a header')
          .describe('name of the header'),
        value: secretRef.describe('its value'),
      }),
    )
    .max(20)
    .default([])
    .describe('further headers'),
  batchEntries: z.int().min(1).max(5_000).default(500).describe('entries in one request'),
  checkpointEvery,
  caFile,
  client,
  dangerouslyAllowPlainHttp: plain('allows http to another machine: entries can be read on the network'),
});

const file = closed({
  kind: z.literal('file').describe('lines of JSON in a file'),
  ...common,
  path: fileName.describe('the file; it is made with mode 0600'),
  checkpointEvery,
});

const stdout = closed({
  kind: z.literal('stdout').describe('lines of JSON on standard output'),
  ...common,
  checkpointEvery,
});

const s3 = closed({
  kind: z.literal('s3').describe('objects in S3, each with many lines of JSON'),
  ...common,
  ...s3Place,
  every: duration({ least: '1s', most: '1h' })
    .default(seconds('1m'))
    .describe('how long entries wait for more before an object is made'),
  batchEntries: z.int().min(1).max(20_000).default(5_000).describe('entries in one object, at most'),
  objectLock: closed({
    mode: z
      .enum(['governance', 'compliance'])
      .describe('who may lift the lock: those with that right, or nobody'),
    days: z.int().min(1).max(36_525).default(2_192).describe('for how long'),
  })
    .optional()
    .describe('locks each object against changes; the bucket must be made with Object Lock'),
  caFile,
  dangerouslyAllowPlainHttp: plain('allows http to another machine: entries can be read on the network'),
});

const plainHttpMessage =
  'http to another machine is refused: use https, or set `dangerouslyAllowPlainHttp: true`';

/** One receiver. */
export const sinkSchema = z
  .discriminatedUnion('kind', [syslog, http, file, stdout, s3], {
    error: 'expected `kind` to be one of syslog, http, file, stdout, s3',
  })
  .superRefine((sink, context) => {
    const issue = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ('client' in sink && sink.client !== undefined && 'env' in sink.client.key)
      issue('client', 'a key has several lines: write its `key` as {file: PATH}');
    if (sink.kind === 'syslog' && sink.plainTcp) {
      if (!isLoopback(sink.host) && !sink.dangerouslyAllowPlainSyslog)
        issue(
          'plainTcp',
          'to another machine TLS is demanded: remove it, or set `dangerouslyAllowPlainSyslog: true`',
        );
      if (sink.caFile !== undefined || sink.client !== undefined)
        issue('plainTcp', 'without TLS there are no certificates');
    }
    if (sink.kind === 'http' && typeof sink.url === 'string') {
      const url = parseHookUrl(sink.url);
      if (url !== undefined && isPlainRemote(url) && !sink.dangerouslyAllowPlainHttp)
        issue('url', plainHttpMessage);
    }
    if (sink.kind === 's3') {
      for (const [path, message] of s3PlaceFaults(sink)) issue(path, message);
      if (sink.endpoint !== undefined && isPlainRemote(sink.endpoint) && !sink.dangerouslyAllowPlainHttp)
        issue('endpoint', plainHttpMessage);
    }
  });
export type SinkDocument = z.output<typeof sinkSchema>;
