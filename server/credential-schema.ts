// The schema of `forges[].credential` in `forgeguard.yaml`.
import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { closed, duration } from '../core/schema.ts';
import { isPlainRemote } from './address.ts';
import { baseUrl, secretRef } from './config-values.ts';

const secretCommand = closed({
  command: z
    .tuple([z.string().regex(/^\//, 'the program is named by its absolute path').max(4_096)])
    .rest(z.string().max(4_096))
    .refine((words) => words.length <= 100, 'at most 100 words')
    .describe('program and arguments; it prints the secret as one line. There is no shell'),
  timeout: duration({ least: '1s', most: '1m' })
    .default(parseDuration('10s') ?? 0)
    .describe('how long it may take'),
  cacheFor: duration({ least: '0s', most: '1d' })
    .default(parseDuration('5m') ?? 0)
    .describe('for how long what it printed is used'),
});

/** Where a credential is read from. */
export const credentialRef = z.union([...secretRef.options, secretCommand], {
  error:
    'secrets are never written here: name an environment variable, {env: NAME}, a file, {file: PATH}, or a program, {command: [PROGRAM, ARG]}',
});
export type CredentialRef = z.output<typeof credentialRef>;

const githubApp = closed({
  mode: z.literal('github-app'),
  appId: z
    .union([z.int().min(1), z.string().regex(/^[A-Za-z0-9._-]{1,100}$/)], {
      error: 'expected the App id, or its client id',
    })
    .transform(String)
    .describe('App id or client id of the GitHub App'),
  privateKey: credentialRef.describe('private key of the App, PEM'),
  installation: z
    .int()
    .min(1)
    .optional()
    .describe('id of the installation; without it, it is looked up for each repository'),
  apiUrl: baseUrl.optional().describe('base URL of the REST API'),
  allowWorkflows: z
    .boolean()
    .default(false)
    .describe('asks for the permission `workflows` where a push changes workflow files'),
});

export const credentialSchema = z
  .discriminatedUnion(
    'mode',
    [
      closed({ mode: z.literal('none') }),
      closed({
        mode: z.literal('basic'),
        username: z
          .string()
          .regex(/^[^\s:]{1,200}$/, 'a user name has no spaces and no colon')
          .describe('user name sent upstream'),
        password: credentialRef.describe('password or token sent upstream'),
      }),
      closed({ mode: z.literal('bearer'), token: credentialRef.describe('token sent upstream') }),
      githubApp,
      closed({ mode: z.literal('passthrough') }),
    ],
    { error: 'expected `mode` to be one of none, basic, bearer, github-app, passthrough' },
  )
  .superRefine((value, context) => {
    if (value.mode === 'github-app' && value.apiUrl !== undefined && isPlainRemote(value.apiUrl))
      context.addIssue({
        code: 'custom',
        path: ['apiUrl'],
        message: 'http to another machine is refused: use https',
      });
  })
  .describe('how the guard proves itself to the forge');
export type CredentialDocument = z.output<typeof credentialSchema>;
