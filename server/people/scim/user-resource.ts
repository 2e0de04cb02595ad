// A user as SCIM writes it (RFC 7643 §4.1): what the guard keeps of it, and how it shows it. What else a directory sends
// is let go: the guard answers with what it has kept.
import { z } from 'zod';
import type { Person } from '../../../core/person.ts';

export const userSchemaId = 'urn:ietf:params:scim:schemas:core:2.0:User';

const text = (longest: number) => z.string().min(1).max(longest);

/** Some directories write booleans as text. */
export const active = z.union([
  z.boolean(),
  z
    .string()
    .regex(/^(true|false)$/i)
    .transform((value) => value.toLowerCase() === 'true'),
]);

export const emails = z
  .array(z.looseObject({ value: text(320), primary: active.optional(), type: z.string().max(50).optional() }))
  .max(50);

export const userBody = z.looseObject({
  userName: text(200),
  externalId: text(200).nullish(),
  displayName: text(200).nullish(),
  name: z
    .looseObject({
      formatted: z.string().max(200).nullish(),
      givenName: z.string().max(200).nullish(),
      familyName: z.string().max(200).nullish(),
    })
    .nullish(),
  emails: emails.nullish(),
  active: active.nullish(),
});
export type UserBody = z.output<typeof userBody>;

/** The first that is called primary, else the first. */
export function primaryEmail(list: z.output<typeof emails> | null | undefined): string | null {
  return (list?.find(({ primary }) => primary === true) ?? list?.[0])?.value ?? null;
}

/** The name to show: the one for display, else the person's full name, else the user name. */
export function displayNameOf({ displayName, name, userName }: UserBody): string {
  const full =
    name?.formatted ?? [name?.givenName, name?.familyName].filter((part) => (part ?? '') !== '').join(' ');
  return displayName ?? (full === '' ? userName : full);
}

/** The person as SCIM shows it; `base` is the URL of `/scim/v2`. */
export function showUser(person: Person, base: string): object {
  return {
    schemas: [userSchemaId],
    id: person.scimId,
    ...(person.externalId === null ? {} : { externalId: person.externalId }),
    userName: person.userName,
    displayName: person.displayName,
    name: { formatted: person.displayName },
    ...(person.email === null ? {} : { emails: [{ value: person.email, primary: true }] }),
    active: person.active,
    groups: person.groups.map((display) => ({ display })),
    meta: {
      resourceType: 'User',
      created: person.createdAt.toISOString(),
      lastModified: person.changedAt.toISOString(),
      location: `${base}/Users/${person.scimId}`,
    },
  };
}
