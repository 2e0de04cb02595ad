// Changes in SCIM (RFC 7644 §3.5.2): a list of operations on attributes. Attributes that the guard does not keep are let
// go, as they are in a whole resource.
import { z } from 'zod';
import { GuardError } from '../../../core/errors.ts';
import { active, displayNameOf, emails, primaryEmail, type UserBody } from './user-resource.ts';

export const patchBody = z.looseObject({
  Operations: z
    .array(
      z.looseObject({
        op: z.string().transform((op, context) => {
          const name = (['add', 'replace', 'remove'] as const).find((known) => known === op.toLowerCase());
          if (name !== undefined) return name;
          context.addIssue({ code: 'custom', message: 'expected add, replace or remove' });
          return z.NEVER;
        }),
        path: z.string().max(500).optional(),
        value: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(1_000),
});
export type Operation = z.output<typeof patchBody>['Operations'][number];

/** Reads a value of an operation. Throws `input/invalid`. */
export function readValue<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw new GuardError('input/invalid', `the value of ${path} is not valid`);
}

/** Each operation as a change of one attribute: an operation without a path has a value for several. */
export function changesOf({
  op,
  path,
  value,
}: Operation): readonly (Omit<Operation, 'path'> & { readonly path: string })[] {
  if (path !== undefined) return [{ op, path, value }];
  const several = readValue(z.record(z.string(), z.unknown()), value, 'an operation without a path');
  return Object.entries(several).map(([name, member]) => ({ op, path: name, value: member }));
}

const name = z.string().min(1).max(200);

/** The user after the operations; `user` is what the guard keeps. Throws `input/invalid`. */
export function patchUser(user: UserBody, operations: readonly Operation[]): UserBody {
  let changed = user;
  for (const { op, path, value } of operations.flatMap(changesOf)) {
    const isRemoved = op === 'remove';
    const attribute = path.toLowerCase().replace(/^urn:ietf:params:scim:schemas:core:2\.0:user:/, '');
    if (attribute === 'active') {
      changed = { ...changed, active: isRemoved ? false : readValue(active, value, path) };
    } else if (attribute === 'username') {
      changed = { ...changed, userName: readValue(name, value, path) };
    } else if (attribute === 'externalid') {
      changed = { ...changed, externalId: isRemoved ? null : readValue(name.nullable(), value, path) };
    } else if (attribute === 'displayname') {
      changed = { ...changed, displayName: isRemoved ? null : readValue(name.nullable(), value, path) };
    } else if (attribute === 'name.formatted') {
      changed = { ...changed, displayName: isRemoved ? null : readValue(name.nullable(), value, path) };
    } else if (attribute === 'emails') {
      changed = { ...changed, emails: isRemoved ? null : readValue(emails, value, path) };
    } else if (/^emails\[.*\]\.value$/.test(attribute)) {
      changed = { ...changed, emails: isRemoved ? null : [{ value: readValue(name, value, path) }] };
    }
  }
  return changed;
}

/** What the guard keeps of a user. */
export function keptOf(user: UserBody): {
  readonly userName: string;
  readonly externalId: string | null;
  readonly displayName: string;
  readonly email: string | null;
} {
  return {
    userName: user.userName,
    externalId: user.externalId ?? null,
    displayName: displayNameOf(user),
    email: primaryEmail(user.emails),
  };
}
