// The schema of `forgeguard.yaml`: strict, every key with its documentation. What it reads is still unresolved: secrets
// are references and file names are as written.
import { z } from 'zod';
import { parseVerifierKey, signatureTypes } from '../core/checkpoint.ts';
import { parseDuration } from '../core/duration.ts';
import { byteSize, closed, duration, glob } from '../core/schema.ts';
import { anchorSchema, timestampSchema } from './audit-evidence-schema.ts';
import { isPlainRemote, parseListenAddress } from './address.ts';
import { baseUrl, fileName, secretRef } from './config-values.ts';
import { checkpointStoreSchema } from './checkpoint-store-schema.ts';
import { certificateRules } from './certificate-rules.ts';
import { listenMembers } from './listen-schema.ts';
import { credentialSchema } from './credential-schema.ts';
import { issuerSchema } from './issuer-schema.ts';
import { githubAppSchema } from './github-app-schema.ts';
import { limitsSchema } from './limits.ts';
import { reportsSchema } from './report-schema.ts';
import { alertsSchema, notificationSchema } from './notification-schema.ts';
import { samlSchema, scimSchema, webSchema } from './web-login-schema.ts';
import { sinkSchema } from './sink-schema.ts';

/** A connection URL: in the open where it holds no password, else as a reference. */
function connectionUrl(schemes: readonly string[], example: string) {
  const written = z.string().superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !schemes.includes(url.protocol)) {
      context.addIssue({ code: 'custom', message: `expected a URL such as ${example}` });
    } else if (url.password !== '' || url.searchParams.has('password')) {
      context.addIssue({
        code: 'custom',
        message: 'a URL with a password is a secret: write {env: NAME} or {file: PATH}',
      });
    }
  });
  return z.union([written, secretRef], {
    error: `expected a URL such as ${example}, {env: NAME} or {file: PATH}`,
  });
}

const listen = z.union(
  [
    z.string().transform((text, context) => {
      const address = parseListenAddress(text);
      if (address !== undefined) return address;
      context.addIssue({
        code: 'custom',
        message: 'expected an address such as 127.0.0.1:8080 or [::1]:8080',
      });
      return z.NEVER;
    }),
    closed({
      host: z.string().min(1).max(255).default('127.0.0.1').describe('host name or address'),
      port: z.int().min(0).max(65_535).default(8080).describe('TCP port; `0` lets the system choose'),
      ...listenMembers,
    }),
  ],
  { error: 'expected an address such as 127.0.0.1:8080, or {host, port}' },
);

/** A key whose part of the guard does not exist yet: nothing but an empty value is accepted. */
const unavailable = z
  .unknown()
  .superRefine((value, context) => {
    const isEmpty = value === null || value === undefined || (Array.isArray(value) && value.length === 0);
    if (!isEmpty) context.addIssue({ code: 'custom', message: 'not available in this version; remove it' });
  })
  .optional();

const forge = closed({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name is written with a-z, 0-9 and "-", at most 63 characters')
    .describe('name in the guard’s URLs: `/git/<name>/…`'),
  url: baseUrl.describe('where the repositories are, such as `https://github.com`'),
  credential: credentialSchema,
  app: githubAppSchema.optional().describe('what the guard does in pull requests of a GitHub'),
  repositories: z.array(glob).min(1).default(['**']).describe('globs over the repositories that are served'),
  allowRedirectsTo: z
    .array(
      baseUrl.refine(
        (url) => url.pathname === '/' || url.pathname === '',
        'expected an origin without a path',
      ),
    )
    .default([])
    .describe('further origins that the forge may redirect to'),
  caFile: fileName.optional().describe('PEM file with the certificate authorities of the forge'),
  dangerouslyAllowPlainHttp: z
    .boolean()
    .default(false)
    .describe('allows http to another machine: content and credentials cross the network in the clear'),
}).superRefine((value, context) => {
  if (value.app !== undefined && value.credential.mode !== 'github-app')
    context.addIssue({
      code: 'custom',
      path: ['app'],
      message: 'pull requests are read as a GitHub App: the credential needs `mode: github-app`',
    });
  if (value.dangerouslyAllowPlainHttp) return;
  const message = 'http to another machine is refused: use https, or set `dangerouslyAllowPlainHttp: true`';
  if (isPlainRemote(value.url)) context.addIssue({ code: 'custom', path: ['url'], message });
  for (const [index, url] of value.allowRedirectsTo.entries()) {
    if (isPlainRemote(url)) context.addIssue({ code: 'custom', path: ['allowRedirectsTo', index], message });
  }
});
export type ForgeDocument = z.output<typeof forge>;

/** 45 CFR 164.316(b)(2)(i): six years, here with the leap days that may fall into them. */
const leastRetentionDays = 2_192;

const audit = closed({
  retentionDays: z
    .int()
    .min(leastRetentionDays)
    .max(36_525)
    .default(leastRetentionDays)
    .describe('days for which audit entries are kept; six years at least'),
  publicProofs: z
    .boolean()
    .default(false)
    .describe('lets everybody read the newest checkpoint and the hashes of the log; entries never'),
  sealingKey: secretRef
    .optional()
    .describe('key for texts that may be personal, 32 bytes in hex; without it the guard makes its own'),
  checkpointStore: checkpointStoreSchema(
    connectionUrl(['postgres:', 'postgresql:'], 'postgres://forgeguard@other.example/forgeguard'),
  ),
  anchor: anchorSchema,
  sinks: z
    .array(sinkSchema)
    .max(20)
    .superRefine((sinks, context) => {
      const names = sinks.map(({ name }) => name);
      for (const [index, name] of names.entries())
        if (names.indexOf(name) < index)
          context.addIssue({
            code: 'custom',
            path: [index, 'name'],
            message: `the name ${name} is used twice`,
          });
    })
    .default([])
    .describe('where audit entries are sent to, live'),
  timestamp: timestampSchema,
  witness: z
    .array(
      closed({
        url: baseUrl.describe('where the witness is reached'),
        key: z
          .string()
          .refine(
            (text) => parseVerifierKey(text, signatureTypes.cosignature) !== undefined,
            'expected the key that `forgeguard witness` prints',
          )
          .describe('its key, as `forgeguard witness` prints it'),
      }),
    )
    .max(8)
    .default([])
    .describe('who cosigns the checkpoints of the audit log'),
});

const identity = closed({
  tokens: closed({
    maxLifetime: duration({ least: '1m', most: '90d' })
      .default(parseDuration('90d') ?? 0)
      .describe('the longest lifetime of a guard token'),
  }).prefault({}),
  certificates: certificateRules,
  saml: samlSchema,
  web: webSchema.prefault({}),
  scim: scimSchema.optional().describe('lets a directory manage people by SCIM 2.0'),
  sessions: closed({
    maxLifetime: duration({ least: '1m', most: '15m' })
      .default(parseDuration('15m') ?? 0)
      .describe('the longest lifetime of a session token'),
  }).prefault({}),
  issuers: z
    .array(issuerSchema)
    .max(50)
    .default([])
    .describe('whose tokens are trusted: OpenID Connect and SPIFFE'),
});

export const configSchema = closed({
  listen: listen.optional().describe('address that the guard listens on'),
  publicUrl: baseUrl.optional().describe('URL under which clients reach the guard'),
  dataDir: fileName.optional().describe('directory for the guard’s own data'),
  database: closed({
    url: connectionUrl(['postgres:', 'postgresql:'], 'postgres://forgeguard@db.example/forgeguard')
      .optional()
      .describe('PostgreSQL 13 or newer; without it the guard runs its own'),
  }).prefault({}),
  redis: closed({
    url: connectionUrl(['redis:', 'rediss:'], 'redis://redis.example:6379')
      .optional()
      .describe('Redis 6.2 or newer for the queue; without it the queue is in PostgreSQL'),
  }).prefault({}),
  forges: z.array(forge).max(100).default([]).describe('the Git forges behind the guard'),
  registries: unavailable.describe('package and image registries; not available in this version'),
  logSources: unavailable.describe('sources of build logs; not available in this version'),
  identity: identity.prefault({}),
  audit: audit.prefault({}),
  approvals: closed({
    remindAfter: duration({ least: '1m', most: '30d' })
      .default(parseDuration('4h') ?? 0)
      .describe('how long a request waits before people are reminded of it, each time again'),
    heldDirectory: fileName
      .optional()
      .describe('directory of the pushes that wait; guards that share a database share it, too'),
    heldBytes: byteSize
      .pipe(
        z
          .int()
          .min(2 ** 20)
          .max(2 ** 50),
      )
      .default(50 * 2 ** 30)
      .describe('bytes that all pushes that wait may take'),
    mostWaiting: z
      .int()
      .min(1)
      .max(100_000)
      .default(100)
      .describe('requests of one actor that may wait at once; more are refused'),
  }).prefault({}),
  notifications: z
    .array(notificationSchema)
    .max(50)
    .default([])
    .describe('whom the guard tells of requests and alerts, and how'),
  alerts: alertsSchema.prefault({}),
  reports: reportsSchema.prefault({}),
  policyFile: fileName.optional().describe('the policy; without it the default policy is in force'),
  limits: limitsSchema.prefault({}),
  dangerouslyAllowPlainHttpListen: z
    .boolean()
    .default(false)
    .describe('allows to listen for http on other addresses than loopback without an https `publicUrl`'),
}).superRefine((config, context) => {
  for (const key of ['forges', 'notifications'] as const) {
    const names = config[key].map(({ name }) => name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) < index) {
        context.addIssue({
          code: 'custom',
          path: [key, index, 'name'],
          message: `the name ${name} is used twice`,
        });
      }
    }
  }
});
export type ConfigDocument = z.output<typeof configSchema>;
