// The inputs of the Action, as the runner hands them over: variables `INPUT_<NAME>`. They come from the workflow file.
import { z } from 'zod';
import { GuardError } from '../core/errors.ts';
import type { Environment } from './environment.ts';
import { readFailOn, type FailOn } from './fail-on.ts';
import { isSafeAddress } from './guard-request.ts';

export const modes = ['auto', 'diff', 'full', 'staged'] as const;
export const formats = ['text', 'json', 'sarif'] as const;

export interface Inputs {
  readonly mode: (typeof modes)[number];
  /** `default`, or a path in the trusted state of the repository. */
  readonly policy: string;
  readonly failOn: FailOn;
  readonly format: (typeof formats)[number];
  /** Where the SARIF file goes; undefined for a file in the runner's temporary directory. */
  readonly sarifFile: string | undefined;
  /** `base`, a path in the trusted state of the repository, or undefined. */
  readonly baseline: string | undefined;
  /** Key of the fingerprints, 32 bytes; undefined where none is given. */
  readonly fingerprintKey: Uint8Array | undefined;
  /** What the policy takes the repository for. */
  readonly repository: string;
  /** Base URL of a guard, without a trailing slash; undefined to work offline. */
  readonly guardUrl: string | undefined;
  /** What the job's token is for at the guard. */
  readonly guardAudience: string;
}

const pathLike = z
  .string()
  .max(1000)
  .refine((text) => !/[\0-\x1f\x7f]/.test(text), 'a path has no control characters');

const schema = z.object({
  mode: z.enum(modes),
  policy: pathLike.min(1),
  'fail-on': z.string().max(500),
  format: z.enum(formats),
  'sarif-file': pathLike,
  baseline: pathLike,
  'fingerprint-key': z.union([z.literal(''), z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')]),
  repository: z.string().max(500),
  'guard-url': z
    .string()
    .max(1000)
    .refine((text) => text === '' || (isSafeAddress(text) && !/[?#\s]/.test(text)), 'expected an https URL'),
  'guard-audience': z.string().max(1000),
});

const defaults: Readonly<Record<keyof z.infer<typeof schema>, string>> = {
  mode: 'auto',
  policy: 'default',
  'fail-on': 'policy',
  format: 'text',
  'sarif-file': '',
  baseline: '',
  'fingerprint-key': '',
  repository: '',
  'guard-url': '',
  'guard-audience': '',
};

/** Reads and checks the inputs. Throws `GuardError` `input/invalid`, which names the input and never its value. */
export function readInputs(env: Environment): Inputs {
  const given = Object.fromEntries(
    Object.entries(defaults).map(([name, fallback]) => [name, inputOf(env, name) ?? fallback]),
  );
  const read = schema.safeParse(given);
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new GuardError('input/invalid', `the inputs of the Action: ${problems.join('; ')}`);
  }
  const { data } = read;
  const guardUrl = data['guard-url'].replace(/\/+$/, '');
  return {
    mode: data.mode,
    policy: data.policy,
    failOn: readFailOn(data['fail-on']),
    format: data.format,
    sarifFile: orUndefined(data['sarif-file']),
    baseline: orUndefined(data.baseline),
    fingerprintKey: data['fingerprint-key'] === '' ? undefined : Buffer.from(data['fingerprint-key'], 'hex'),
    repository: orUndefined(data.repository) ?? `github/${env['GITHUB_REPOSITORY'] ?? 'local/scan'}`,
    guardUrl: orUndefined(guardUrl),
    guardAudience: orUndefined(data['guard-audience']) ?? guardUrl,
  };
}

/** The runner sets every input of action.yml; an empty one means its default. */
function inputOf(env: Environment, name: string): string | undefined {
  return orUndefined(env[`INPUT_${name.toUpperCase()}`]?.trim() ?? '');
}

function orUndefined(text: string): string | undefined {
  return text === '' ? undefined : text;
}
