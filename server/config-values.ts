// Values that several parts of `forgeguard.yaml` are made of.
import { z } from 'zod';
import { closed } from '../core/schema.ts';
import { parseBaseUrl } from './address.ts';

export const fileName = z.string().min(1).max(4_096);

const secretHint =
  'secrets are never written here: name an environment variable, {env: NAME}, or a file, {file: PATH}';
/** Where a secret is read from. */
export const secretRef = z.union(
  [
    closed({
      env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable'),
    }),
    closed({ file: fileName }),
  ],
  { error: secretHint },
);
export type SecretRef = z.output<typeof secretRef>;

/** An http or https URL without user, query and fragment. */
export const baseUrl = z.string().transform((text, context) => {
  const url = parseBaseUrl(text);
  if (url !== undefined) return url;
  context.addIssue({
    code: 'custom',
    message: 'expected an http or https URL without user name, password, query and fragment',
  });
  return z.NEVER;
});
