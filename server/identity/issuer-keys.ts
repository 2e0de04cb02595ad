// The public keys of one issuer. They are remembered: while the issuer is down, keys that are known go on to work for a
// day, and a key that is not known is refused. A token with a new key id makes them be fetched again, but not more often
// than the cooldown allows, whatever is sent.
import { createLocalJWKSet, type CryptoKey, errors, type JWSHeaderParameters, type LocalJWKSet } from 'jose';
import { z } from 'zod';
import { GuardError } from '../../core/errors.ts';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import { isPlainRemote } from '../address.ts';
import { readBoundedFile } from '../bounded-file.ts';
import type { IssuerConfig } from '../issuer-types.ts';
import { createDocumentSource } from './issuer-fetch.ts';

/** In ms, by the monotonic clock. */
const cooldown = 5_000;
const refreshAfter = 600_000;
const longestUse = 86_400_000;
const longestFile = 1_048_576;
const mostKeys = 100;

const keySetSchema = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), use: z.string().optional() })).max(mostKeys),
});
const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

export interface IssuerKeys extends AsyncDisposable {
  /** The key for a token with this header. Rejects with a refusal: `unknown-key` or `keys-unavailable`. */
  find(header: JWSHeaderParameters): Promise<CryptoKey>;
}

interface KnownKeys {
  readonly set: LocalJWKSet;
  readonly since: number;
}

/** The keys of an issuer; nothing is fetched before the first token comes. */
export function openIssuerKeys(config: IssuerConfig): IssuerKeys {
  const source = createDocumentSource(config.ca);
  let known: KnownKeys | undefined;
  let lastTry = -Infinity;
  let loading: Promise<KnownKeys | undefined> | undefined;

  async function load(): Promise<KnownKeys | undefined> {
    try {
      const set = createLocalJWKSet(readKeySet(await fetchKeySet()));
      known = { set, since: performance.now() };
    } catch {
      // Whatever was wrong with the answer, what was known before stays.
    }
    return current();
  }

  async function fetchKeySet(): Promise<unknown> {
    const { keys } = config;
    switch (keys.kind) {
      case 'file': {
        const bytes = await readBoundedFile(keys.file, longestFile);
        if (bytes === undefined) throw new Error('the file of keys is too large');
        return JSON.parse(bytes.toString('utf8'));
      }
      case 'url':
        return source.get(new URL(keys.url));
      case 'discovery': {
        // OpenID Connect Discovery 1.0 §4; the document must be about this very issuer (§4.3).
        const base = config.issuer.replace(/\/$/, '');
        const found = discoverySchema.parse(
          await source.get(new URL(`${base}/.well-known/openid-configuration`)),
        );
        if (found.issuer !== config.issuer) throw new Error('the discovery document is of another issuer');
        const url = new URL(found.jwks_uri);
        const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && base.startsWith('http:'));
        if (!isSafe || (isPlainRemote(url) && !isPlainRemote(new URL(base))))
          throw new Error('its keys are in the clear');
        return source.get(url);
      }
    }
  }

  const current = (): KnownKeys | undefined =>
    known !== undefined && performance.now() - known.since < longestUse ? known : undefined;

  /** Loads them again unless that was tried a moment ago; requests that come at once share one try. */
  async function reload(): Promise<KnownKeys | undefined> {
    if (loading === undefined) {
      if (performance.now() - lastTry < cooldown) return current();
      lastTry = performance.now();
      loading = load().finally(() => (loading = undefined));
    }
    return loading;
  }

  return {
    find: async (header) => {
      const before = current();
      const keys = before ?? (await reload());
      if (keys === undefined) throw refuseIdentity('keys-unavailable', undefined, { issuer: config.issuer });
      // Old keys serve while new ones are fetched.
      if (performance.now() - keys.since > refreshAfter) reload().catch(() => undefined);
      const found = await keyIn(keys.set, header);
      if (found !== undefined) return found;
      const newer = before === undefined ? undefined : await reload();
      const retried = newer === undefined || newer === keys ? undefined : await keyIn(newer.set, header);
      if (retried !== undefined) return retried;
      throw refuseIdentity('unknown-key', undefined, { issuer: config.issuer });
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

/** A JWKS (RFC 7517 §5), or a SPIFFE trust bundle, of which the keys for JWT-SVIDs count. */
function readKeySet(document: unknown): { keys: { kty: string; [member: string]: unknown }[] } {
  const { keys } = keySetSchema.parse(document);
  return {
    keys: keys
      .filter(({ use, kty }) => kty !== 'oct' && (use === undefined || use === 'sig' || use === 'jwt-svid'))
      .map(({ use: _use, ...key }) => key),
  };
}

async function keyIn(set: LocalJWKSet, header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
  try {
    return await set(header);
  } catch (error) {
    if (error instanceof GuardError) throw error;
    // Several keys and no key id: nothing says which is meant.
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
