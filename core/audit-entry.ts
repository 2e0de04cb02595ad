// The exact bytes of an audit entry: one JSON object in canonical form (RFC 8785) in UTF-8, at most 65,535 bytes (the
// limit of an entry in C2SP tlog-tiles). Parts of an event come from agents and forges; none can break the form.
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { auditActions, type AuditEvent, type Json } from './audit-event.ts';
import { GuardError } from './errors.ts';
import { sealedPlaintext, splitDetails } from './sealed-details.ts';
import { delegationProofs, principalKinds, proofs } from './principal.ts';
import { drawRandom } from './random.ts';

export const maxEntryBytes = 65_535;
const maxRequestLength = 256;
const maxOmittedNames = 32;
/** Room for the members that are known only when the entry gets its place: index, times, punctuation. */
const placeBytes = 256;

/** What an entry does to the attempt that its request names. */
export type AttemptEffect = 'opens' | 'closes' | 'none';

const attemptEffects: Readonly<Record<string, AttemptEffect>> = {
  received: 'opens',
  decided: 'opens',
  forwarded: 'closes',
  refused: 'closes',
  held: 'closes',
  unknown: 'closes',
};

/** Texts of an event that may be personal. */
export interface ToSeal {
  readonly repository: string;
  /** `YYYY-MM`, of the time at which the event was handed over (UTC). */
  readonly month: string;
  /** What is encrypted. */
  readonly plaintext: string;
}

/** An event whose size is settled and that only lacks its place in the log. */
export interface PreparedEvent {
  readonly request: string;
  readonly effect: AttemptEffect;
  /** What the clock said when the event was handed over. */
  readonly observed: Date;
  /** Upper bound of the entry's size in bytes. */
  readonly size: number;
  /** Texts that must be sealed before the entry is written; undefined where there are none, or they are. */
  readonly toSeal?: ToSeal | undefined;
  /** The members of the entry before and after those of its place, in canonical order. */
  readonly parts: { readonly beforeIndex: string; readonly beforeTime: string; readonly afterTime: string };
}

/** Where an entry stands. `time` never runs backwards along the log. */
export interface EntryPlace {
  readonly index: number;
  readonly time: Date;
}

/** A principal as it stands in the log. */
export const principalSchema = z.strictObject({
  kind: z.enum(principalKinds),
  id: z.string(),
  issuer: z.string(),
  subject: z.string(),
  groups: z.array(z.string()),
  onBehalfOf: z.array(z.string()),
  delegation: z
    .array(
      z.strictObject({
        id: z.string(),
        issuer: z.string(),
        subject: z.string(),
        proof: z.enum(delegationProofs),
      }),
    )
    .optional(),
  session: z.string(),
  proof: z.enum(proofs),
});

/** What JSON.parse made is JSON; a schema that copies it would lose a member named `__proto__`. */
function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const entrySchema = z.strictObject({
  v: z.literal(1),
  index: z.number().int().nonnegative(),
  time: z.iso.datetime({ precision: 3 }),
  /** What the clock said, where that was earlier than the entry before: the clock was set back. */
  observed: z.iso.datetime({ precision: 3 }).optional(),
  request: z.string(),
  action: z.enum(auditActions),
  actor: principalSchema.nullable(),
  repository: z.string().nullable(),
  details: z.custom<AuditEvent['details']>(isObject),
  /** Texts of the details that may be personal: which key opens them, their SHA-256, and what is encrypted. */
  sealed: z
    .strictObject({
      commitment: z.base64(),
      data: z.base64(),
      key: z.string().regex(/^[0-9a-f]{16}$/),
    })
    .optional(),
  /** Says that details were left out: which, and the size and SHA-256 of all of them in canonical form. */
  truncated: z
    .strictObject({
      bytes: z.number().int(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      omitted: z.array(z.string()),
    })
    .optional(),
});

export type AuditEntry = z.infer<typeof entrySchema>;

function effectOf(action: string): AttemptEffect {
  return attemptEffects[action.slice(action.lastIndexOf('.') + 1)] ?? 'none';
}

/** Replaces lone surrogates, which neither UTF-8 nor the canonical form can hold. */
function wellFormed(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('not a JSON number');
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toWellFormed(), member]));
}

function canonical(value: unknown): string {
  // RFC 8785 writes a text as JSON.stringify does.
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (value === null) return 'null';
  const hasLoneSurrogates = /\\ud[89a-f]/.test(JSON.stringify(value) ?? '');
  const text = canonicalize(hasLoneSurrogates ? JSON.parse(JSON.stringify(value, wellFormed)) : value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

/** The details that fit, smallest first, and the statement of what was left out. */
function trimDetails(
  all: AuditEvent['details'],
  room: number,
): { readonly kept: AuditEvent['details']; readonly truncated: string } {
  const full = canonical(all);
  const sizes = Object.entries(all)
    .map(([name, value]) => ({ name, value, bytes: Buffer.byteLength(canonical({ [name]: value })) }))
    .toSorted((a, b) => a.bytes - b.bytes);
  const statement = (omitted: readonly string[]): string =>
    canonical({
      bytes: Buffer.byteLength(full),
      sha256: hash('sha256', full, 'hex'),
      omitted: omitted.slice(0, maxOmittedNames).map((name) => name.slice(0, 64).toWellFormed()),
    });
  let left = room - Buffer.byteLength(statement(sizes.slice(-maxOmittedNames).map(({ name }) => name))) - 256;
  const kept: [string, Json][] = [];
  const omitted: string[] = [];
  for (const { name, value, bytes } of sizes) {
    left -= bytes;
    if (left >= 0) kept.push([name, value]);
    else omitted.push(name);
  }
  return { kept: Object.fromEntries(kept), truncated: statement(omitted) };
}

/** The member `sealed` around its data. */
const sealedBytes = 128;
const aesBytes = 28;

function sealingOf(event: AuditEvent, observed: Date, texts: readonly string[]): ToSeal | undefined {
  if (texts.length === 0 || event.repository === null) return undefined;
  const plaintext = sealedPlaintext(texts, drawRandom(16).toString('hex'));
  return { repository: event.repository, month: observed.toISOString().slice(0, 7), plaintext };
}

function assemble(
  event: AuditEvent,
  observed: Date,
  details: AuditEvent['details'],
  truncated: string | undefined,
  isSealing: boolean,
): PreparedEvent {
  const split = isSealing && event.repository !== null ? splitDetails(details) : { details, texts: [] };
  const toSeal = sealingOf(event, observed, split.texts);
  const member = (name: string, text: string): string => `"${name}":${text}`;
  const beforeIndex = [
    member('action', canonical(event.action)),
    member('actor', canonical(event.actor)),
    member('details', canonical(split.details)),
  ].join(',');
  const beforeTime = [
    member('repository', canonical(event.repository)),
    member('request', canonical(event.request)),
  ].join(',');
  const afterTime = [
    ...(truncated === undefined ? [] : [member('truncated', truncated)]),
    member('v', '1'),
  ].join(',');
  const plainBytes = toSeal === undefined ? 0 : Buffer.byteLength(toSeal.plaintext) + aesBytes;
  const size =
    Buffer.byteLength(beforeIndex) +
    Buffer.byteLength(beforeTime) +
    Buffer.byteLength(afterTime) +
    (toSeal === undefined ? 0 : Math.ceil(plainBytes / 3) * 4 + sealedBytes) +
    placeBytes;
  const parts = { beforeIndex, beforeTime, afterTime };
  return { request: event.request, effect: effectOf(event.action), observed, size, toSeal, parts };
}

/** The event with its texts sealed. */
export function withSealed(
  event: PreparedEvent,
  sealed: { readonly key: string; readonly data: string },
): PreparedEvent {
  if (event.toSeal === undefined) return event;
  const commitment = hash('sha256', event.toSeal.plaintext, 'base64');
  // In the order of RFC 8785; neither base64 nor hex needs an escape.
  const member = `{"commitment":"${commitment}","data":"${sealed.data}","key":"${sealed.key}"}`;
  const beforeTime = `${event.parts.beforeTime},"sealed":${member}`;
  return { ...event, toSeal: undefined, parts: { ...event.parts, beforeTime } };
}

/** Sealed texts take more room than open ones: a third, and a little. */
const sealedShare = 0.7;

function fit(event: AuditEvent, observed: Date, isSealing: boolean): PreparedEvent {
  const whole = assemble(event, observed, event.details, undefined, isSealing);
  if (whole.size <= maxEntryBytes) return whole;
  const bare = assemble(event, observed, {}, undefined, isSealing);
  const room = Math.floor((maxEntryBytes - bare.size) * (isSealing ? sealedShare : 1));
  const { kept, truncated } = trimDetails(event.details, room);
  const trimmed = assemble(event, observed, kept, truncated, isSealing);
  if (trimmed.size <= maxEntryBytes) return trimmed;
  throw new GuardError(
    'internal',
    `an audit event of ${trimmed.size} bytes without its details is too large`,
  );
}

/**
 * Brings an event into the form in which it is stored. Details beyond the size limit are left out, never silently: the
 * entry then says so under `truncated`. With `isSealing` texts that may be personal are taken out and must be sealed before
 * the entry is written. Throws a `GuardError` where the event itself is not JSON or too large.
 */
export function prepareEvent(event: AuditEvent, observed: Date, isSealing = false): PreparedEvent {
  if (event.request.length > maxRequestLength || event.request.includes('\0')) {
    throw new GuardError('internal', `a request id has at most ${maxRequestLength} characters and no NUL`);
  }
  try {
    return fit(event, observed, isSealing);
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    throw new GuardError('internal', `couldn't write the audit event ${event.action} as JSON`, { cause });
  }
}

/** The entry's bytes at its place. */
export function entryBytes({ parts, observed }: PreparedEvent, { index, time }: EntryPlace): Buffer {
  const setBack = observed < time ? `"observed":"${observed.toISOString()}",` : '';
  return Buffer.from(
    `{${parts.beforeIndex},"index":${index},${setBack}${parts.beforeTime},"time":"${time.toISOString()}",${parts.afterTime}}`,
  );
}

function hasSortedNames(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(hasSortedNames);
  let before = '';
  // What JSON.parse made has no names but its own.
  for (const name in value) {
    if (name < before || !hasSortedNames(Reflect.get(value, name))) return false;
    before = name;
  }
  return true;
}

/**
 * True where `text` is the canonical form of what it was parsed to. RFC 8785 writes values as JSON.stringify does, but
 * for the order of names and lone surrogates; where those could differ, the library decides.
 */
function isCanonical(text: string, parsed: unknown): boolean {
  if (JSON.stringify(parsed) === text && hasSortedNames(parsed) && !text.includes('\\ud')) return true;
  return canonicalize(parsed) === text;
}

/** Reads an entry; undefined where the bytes are none, or are not in canonical form. */
export function parseEntry(bytes: Uint8Array): AuditEntry | undefined {
  if (bytes.length > maxEntryBytes || !isUtf8(bytes)) return undefined;
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const parsed: unknown = JSON.parse(text);
    return isCanonical(text, parsed) ? entrySchema.parse(parsed) : undefined;
  } catch {
    return undefined;
  }
}

/** An entry as one line of canonical JSON; of one whose texts were opened it is not what the log holds. */
export function canonicalText(entry: AuditEntry): string {
  return canonical(entry);
}

/** The event that an entry records, as far as it was kept. */
export function eventOf({ action, request, actor, repository, details }: AuditEntry): AuditEvent {
  return { action, request, actor, repository, details };
}
