// Seals the texts of entries that may be personal, and opens them again: AES-256-GCM under one key for each repository
// and month. The entry commits to what is sealed, so that it can be told later whether an opened text is the right one.
import { createSecretKey, hash, randomBytes, type KeyObject } from 'node:crypto';
import { withSealed, type AuditEntry, type PreparedEvent } from '../../../core/audit-entry.ts';
import { GuardError } from '../../../core/errors.ts';
import { joinDetails, readSealedTexts } from '../../../core/sealed-details.ts';
import type { Queryable } from '../../db.ts';
import { insertDataKey, readDataKeyOf, readDataKeys, type StoredDataKey } from './store.ts';
import { dataKeyBytes, decrypt, encrypt, type WrappingKey } from './wrapping-key.ts';

/** Keys that are remembered; the least recently used go first. */
const mostKeys = 1_000;
/** How long a key is remembered that texts were opened with: another guard may have destroyed it meanwhile. */
const rememberedMs = 1_000;

interface DataKey {
  readonly id: string;
  /** Undefined where the key is destroyed, or cannot be unwrapped. */
  readonly key: KeyObject | undefined;
  readonly state: 'there' | 'destroyed' | 'locked';
}

/** What stands in the place of a text that cannot be had. */
export const missingTexts = { destroyed: '[destroyed]', locked: '[sealed]' } as const;

export interface OpenedTexts {
  readonly kind: 'opened';
  /** What was sealed; its SHA-256 is the entry's commitment. */
  readonly plaintext: string;
  readonly texts: readonly string[];
}
export type SealedTexts = OpenedTexts | { readonly kind: 'destroyed' | 'locked' };

/** A document that is kept beside the log. */
export interface SealedDocument {
  readonly key: string;
  /** SHA-256 of what is sealed, hex. */
  readonly digest: string;
  readonly data: Uint8Array;
}
export type OpenedDocument =
  | { readonly kind: 'opened'; readonly body: Uint8Array }
  | { readonly kind: 'changed' | 'destroyed' | 'locked' };

export interface Sealing {
  /** Seals what is to be sealed; makes keys that are not there yet, durably, by `client`. */
  seal(client: Queryable, events: readonly PreparedEvent[]): Promise<readonly PreparedEvent[]>;
  /** The sealed texts of an entry; undefined where it has none. Rejects with `audit/inconsistent` where they were changed. */
  textsOf(client: Queryable, entry: AuditEntry): Promise<SealedTexts | undefined>;
  /** The entry with its texts in place, or with what stands for them. */
  open(client: Queryable, entry: AuditEntry): Promise<AuditEntry>;
  /** Seals a document under the key of a repository and month. */
  sealDocument(
    client: Queryable,
    document: {
      readonly repository: string;
      readonly month: string;
      readonly digest: string;
      readonly body: Uint8Array;
    },
  ): Promise<Pick<SealedDocument, 'key' | 'data'>>;
  openDocument(client: Queryable, document: SealedDocument): Promise<OpenedDocument>;
}

function documentAbout(key: string, digest: string): string {
  return `forgeguard/document\n${key}\n${digest}`;
}

function placeOf({ repository, month }: Pick<StoredDataKey, 'repository' | 'month'>): string {
  return `${month} ${repository}`;
}

/** What is authenticated with a wrapped key. */
export function wrapAbout({
  id,
  repository,
  month,
}: Pick<StoredDataKey, 'id' | 'repository' | 'month'>): string {
  return `forgeguard/data-key\n${id}\n${month}\n${repository}`;
}

function remember<T>(map: Map<string, T>, name: string, value: T): T {
  map.delete(name);
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > mostKeys && oldest !== undefined) map.delete(oldest);
  return value;
}

/**
 * Without a wrapping key nothing can be opened or sealed, and every text is `locked`. `reload` reads the key again, for
 * when all keys were wrapped anew meanwhile.
 */
export function createSealing(
  first: WrappingKey | undefined,
  reload: () => Promise<WrappingKey | undefined> = () => Promise.resolve(first),
): Sealing {
  let wrapping = first;
  const byPlace = new Map<string, DataKey>();
  /** Keys that entries were opened with, and until when they are believed to be there; others are looked for each time. */
  const byId = new Map<string, { readonly found: DataKey; readonly until: number }>();

  async function unwrap(stored: StoredDataKey): Promise<DataKey> {
    const { id, wrapped } = stored;
    if (wrapped === null) return { id, key: undefined, state: 'destroyed' };
    if (stored.wrappedBy !== wrapping?.id) wrapping = (await reload()) ?? wrapping;
    const key = wrapping === undefined ? undefined : decrypt(wrapping.key, wrapAbout(stored), wrapped);
    // As an object: a cipher with a key in bytes takes three times as long to make.
    return key === undefined
      ? { id, key, state: 'locked' }
      : { id, key: createSecretKey(key), state: 'there' };
  }

  async function makeKey(client: Queryable, repository: string, month: string): Promise<void> {
    if (wrapping === undefined) throw new GuardError('internal', 'there is no key to seal with');
    const id = randomBytes(8).toString('hex');
    const wrapped = encrypt(wrapping.key, wrapAbout({ id, repository, month }), randomBytes(dataKeyBytes));
    await insertDataKey(client, { id, repository, month, wrapped, wrappedBy: wrapping.id });
  }

  async function keyFor(client: Queryable, repository: string, month: string): Promise<DataKey> {
    const place = placeOf({ repository, month });
    const known = byPlace.get(place);
    if (known !== undefined) return remember(byPlace, place, known);
    let stored = await readDataKeyOf(client, repository, month);
    if (stored === undefined) {
      for (let tries = 0; stored === undefined && tries < 2; tries += 1) {
        // Refused where all keys were wrapped anew by another key.
        if (tries > 0) wrapping = (await reload()) ?? wrapping;
        await makeKey(client, repository, month);
        stored = await readDataKeyOf(client, repository, month);
      }
    }
    const key = stored === undefined ? undefined : await unwrap(stored);
    if (key?.key === undefined)
      throw new GuardError('audit/unavailable', `the key of the sealed texts of ${month} cannot be used`);
    return remember(byPlace, place, key);
  }

  /** The keys of all that is to be sealed, by place. */
  async function keysFor(
    client: Queryable,
    events: readonly PreparedEvent[],
  ): Promise<ReadonlyMap<string, DataKey>> {
    const keys = new Map<string, DataKey>();
    for (const { toSeal } of events) {
      if (toSeal === undefined || keys.has(placeOf(toSeal))) continue;
      keys.set(placeOf(toSeal), await keyFor(client, toSeal.repository, toSeal.month));
    }
    return keys;
  }

  function sealOne(event: PreparedEvent, keys: ReadonlyMap<string, DataKey>): PreparedEvent {
    if (event.toSeal === undefined) return event;
    const { id, key } = keys.get(placeOf(event.toSeal)) ?? {};
    if (id === undefined || key === undefined)
      throw new GuardError('internal', 'a key to seal with was not checked');
    const data = encrypt(key, id, Buffer.from(event.toSeal.plaintext)).toString('base64');
    return withSealed(event, { key: id, data });
  }

  async function keyById(client: Queryable, id: string): Promise<DataKey | undefined> {
    const known = byId.get(id);
    if (known !== undefined && performance.now() < known.until) return known.found;
    byId.delete(id);
    const [stored] = await readDataKeys(client, [id]);
    const key = stored === undefined ? undefined : await unwrap(stored);
    if (key?.state === 'there') remember(byId, id, { found: key, until: performance.now() + rememberedMs });
    return key;
  }

  async function textsOf(client: Queryable, entry: AuditEntry): Promise<SealedTexts | undefined> {
    const { sealed, index } = entry;
    if (sealed === undefined) return undefined;
    const key = await keyById(client, sealed.key);
    if (key?.key === undefined) return { kind: key?.state === 'destroyed' ? 'destroyed' : 'locked' };
    const plaintext = decrypt(key.key, sealed.key, Buffer.from(sealed.data, 'base64'))?.toString('utf8');
    const texts = plaintext === undefined ? undefined : readSealedTexts(plaintext);
    if (plaintext === undefined || texts === undefined || commitmentTo(plaintext) !== sealed.commitment)
      throw new GuardError('audit/inconsistent', `the sealed texts of entry ${index} were changed`);
    return { kind: 'opened', plaintext, texts };
  }

  return {
    seal: async (client, events) => {
      const keys = await keysFor(client, events);
      return events.map((event) => sealOne(event, keys));
    },
    textsOf,
    sealDocument: async (client, { repository, month, digest, body }) => {
      const { id, key } = await keyFor(client, repository, month);
      if (key === undefined) throw new GuardError('internal', 'a key to seal with was not checked');
      return { key: id, data: encrypt(key, documentAbout(id, digest), Buffer.from(body)) };
    },
    openDocument: async (client, { key: id, digest, data }) => {
      const key = await keyById(client, id);
      if (key?.key === undefined) return { kind: key?.state === 'destroyed' ? 'destroyed' : 'locked' };
      const body = decrypt(key.key, documentAbout(id, digest), data);
      return body === undefined ? { kind: 'changed' } : { kind: 'opened', body };
    },
    open: async (client, entry) => {
      const found = await textsOf(client, entry);
      if (found === undefined) return entry;
      const [texts, missing] =
        found.kind === 'opened' ? [found.texts, missingTexts.locked] : [[], missingTexts[found.kind]];
      const { sealed: _sealed, ...rest } = entry;
      return { ...rest, details: joinDetails(entry.details, texts, missing) };
    },
  };
}

/** What an entry says of a sealed plaintext: its SHA-256, base64. */
export function commitmentTo(plaintext: string): string {
  return hash('sha256', plaintext, 'base64');
}
