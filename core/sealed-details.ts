// Which texts of an entry may be personal, and how they are taken out of its details and put back. What is taken out
// leaves `{"sealed": n}` behind, the n-th of the texts.
import { z } from 'zod';
import type { AuditEvent, Json } from './audit-event.ts';

/** Members whose texts are sealed, at any depth and with everything below them. */
const sealedNames: ReadonlySet<string> = new Set([
  'address',
  'author',
  'branch',
  'comment',
  'committer',
  'email',
  'message',
  'note',
  'path',
  'paths',
  'reason',
  'ref',
  'refs',
  'subject',
  'title',
  'userAgent',
]);

type Details = AuditEvent['details'];

export interface SplitDetails {
  readonly details: Details;
  /** The texts that were taken out, in the order of their numbers. */
  readonly texts: readonly string[];
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Rebuilds a value; `visit` may replace what stands under a name. What nothing was replaced in stays the same value. */
function rebuild(value: Json, name: string, visit: (value: Json, name: string) => Json | undefined): Json {
  const replaced = visit(value, name);
  if (replaced !== undefined) return replaced;
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) {
    const items = value.map((item) => rebuild(item, name, visit));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  return rebuildMembers(value, sealedNames.has(name) ? name : undefined, visit);
}

/** The same of an object whose members stand below `sealedBelow`, if they do. Names from outside stay own members. */
function rebuildMembers(
  value: Details,
  sealedBelow: string | undefined,
  visit: (value: Json, name: string) => Json | undefined,
): Details {
  const members: [string, Json][] = [];
  let isChanged = false;
  for (const [key, item] of Object.entries(value)) {
    const rebuilt = rebuild(item, sealedBelow ?? key, visit);
    isChanged ||= rebuilt !== item;
    members.push([key, rebuilt]);
  }
  return isChanged ? Object.fromEntries(members) : value;
}

/** Takes out the texts that may be personal; empty texts stay. */
export function splitDetails(details: Details): SplitDetails {
  const texts: string[] = [];
  const split = rebuildMembers(details, undefined, (value, name) => {
    if (typeof value !== 'string' || value === '' || !sealedNames.has(name)) return undefined;
    texts.push(value);
    return { sealed: texts.length - 1 };
  });
  return { details: split, texts };
}

/** Puts the texts back; `missing` stands for each where they cannot be had. */
export function joinDetails(details: Details, texts: readonly string[], missing: string): Details {
  return rebuildMembers(details, undefined, (value) => {
    if (value === null || typeof value !== 'object' || isList(value)) return undefined;
    const [number, ...others] = Object.entries(value).map(([name, item]) =>
      name === 'sealed' ? item : null,
    );
    return typeof number === 'number' && others.length === 0 ? (texts[number] ?? missing) : undefined;
  });
}

const sealedTexts = z.strictObject({
  salt: z.string().regex(/^[0-9a-f]{32}$/),
  texts: z.array(z.string()),
});

/** What is encrypted: the texts with a salt, without which they could be guessed from the commitment. */
export function sealedPlaintext(texts: readonly string[], salt: string): string {
  return JSON.stringify({ salt, texts: texts.map((text) => text.toWellFormed()) });
}

/** Reads that again; undefined where it is none. */
export function readSealedTexts(plaintext: string): readonly string[] | undefined {
  try {
    return sealedTexts.parse(JSON.parse(plaintext)).texts;
  } catch {
    return undefined;
  }
}
