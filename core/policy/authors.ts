// Whose names a commit may bear: authors, committers, taggers, trailers and keys against the one who pushes and those for
// whom it acts. Pure. What commits say is attacker-controlled text; a mailmap is never asked.
import { compileGlobs, type Matcher } from '../glob.ts';
import type { Principal } from '../principal.ts';
import { readPerson, type Trailer } from '../trailers.ts';
import {
  addressOfId,
  fillAddress,
  isOfDomain,
  maskAddress,
  type Named,
  nameOf,
  normalAddress,
  placeholderPattern,
} from './author-address.ts';
import type { AuthorsPolicy } from './authors-schema.ts';

export type Role = 'author' | 'committer' | 'tagger';

/** Somebody whom a commit or tag names and who is none of those who may be named. */
export interface Stranger {
  readonly rule: 'policy/author-mismatch' | 'policy/forged-trailer';
  /** The address in the form in which addresses are compared; empty where there is none. */
  readonly address: string;
  /** As it may be shown. */
  readonly masked: string;
  /** A sentence for the one who must act. */
  readonly message: string;
}

/** What a key says about who signed. */
export type KeyHolder =
  | { readonly kind: 'own' | 'forge' | 'expired'; readonly signer: string }
  /** `covers` is true for an address of the key's holder. */
  | { readonly kind: 'other'; readonly signer: string; readonly covers: (address: string) => boolean }
  | { readonly kind: 'unknown' };

/** Compares with one actor. */
export interface AuthorJudge {
  /** Judges who is named in a header; undefined where it may be. */
  person(role: Role, name: string, address: string): Stranger | undefined;
  /** Judges a trailer that names somebody. */
  trailer(trailer: Trailer): Stranger | undefined;
  /** Whose key this is at that time. */
  holder(fingerprint: string, now: Date): KeyHolder;
}

export interface AuthorRules {
  /** True where nothing is compared; signatures may be verified still. */
  readonly off: boolean;
  readonly acceptSigned: boolean;
  readonly signers: AuthorsPolicy['signers'];
  judgeFor(actor: Pick<Principal, 'id' | 'subject' | 'onBehalfOf'>): AuthorJudge;
}

interface Identity {
  readonly isOf: Matcher;
  readonly emails: readonly string[];
  readonly names: readonly string[] | undefined;
}

/** Compiles the patterns once. */
export function compileAuthors(policy: AuthorsPolicy): AuthorRules {
  const identities = policy.identities.map(({ principal, emails, names }): Identity => {
    return { isOf: compileGlobs(principal), emails, names };
  });
  const owners = ownersByAddress(identities);
  const keys = signersByKey(policy, identities);
  return {
    off: policy.mode === 'off',
    acceptSigned: policy.acceptSigned,
    signers: policy.signers,
    judgeFor: (actor) => judgeFor(policy, identities, owners, keys, actor),
  };
}

/** Addresses without placeholders and the names that go with them, with those to whom they belong. */
function ownersByAddress(identities: readonly Identity[]): ReadonlyMap<string, readonly Matcher[]> {
  const owners = new Map<string, Matcher[]>();
  for (const { isOf, emails, names } of identities) {
    const fixed = emails.filter((email) => email.search(placeholderPattern) < 0).map(normalAddress);
    for (const text of [...fixed, ...(names ?? []).map(nameKey)]) {
      const known = owners.get(text);
      if (known === undefined) owners.set(text, [isOf]);
      else known.push(isOf);
    }
  }
  return owners;
}

/** Names stand beside addresses in one table; no address begins with a blank. */
function nameKey(name: string): string {
  return ` ${name.normalize('NFC').toLowerCase()}`;
}

interface KnownSigner {
  readonly id: string;
  readonly isOf: Matcher | 'forge';
  readonly validUntil: Date | undefined;
  /** Of those ids that are written out. */
  readonly addresses: ReadonlySet<string>;
}

function signersByKey(
  { signers }: AuthorsPolicy,
  identities: readonly Identity[],
): ReadonlyMap<string, KnownSigner> {
  return new Map(
    signers.flatMap(({ id, principal, ssh, gpg, validUntil }) => {
      const known: KnownSigner = {
        id,
        isOf: principal === undefined ? 'forge' : compileGlobs(principal),
        validUntil,
        addresses: new Set(
          (principal ?? []).flatMap((of) =>
            addressesOf({ id: of, subject: undefined }, identities).map(([address]) => address),
          ),
        ),
      };
      return [...ssh, ...gpg].map(({ fingerprint }): [string, KnownSigner] => [fingerprint, known]);
    }),
  );
}

function judgeFor(
  policy: AuthorsPolicy,
  identities: readonly Identity[],
  owners: ReadonlyMap<string, readonly Matcher[]>,
  keys: ReadonlyMap<string, KnownSigner>,
  actor: Pick<Principal, 'id' | 'subject' | 'onBehalfOf'>,
): AuthorJudge {
  const chain: readonly Named[] = [
    { id: actor.id, subject: actor.subject },
    ...actor.onBehalfOf.map((id) => ({ id, subject: undefined })),
  ];
  const own = new Map(chain.flatMap((named) => addressesOf(named, identities)));
  const [suggestion] = own.keys();
  const isOwn = (isOf: Matcher): boolean => chain.some(({ id }) => isOf(id));
  const isOthers = (key: string): boolean => {
    const belongsTo = owners.get(key);
    return belongsTo !== undefined && !belongsTo.some(isOwn);
  };
  const who = chain.map(({ id }) => id).join(' for ');

  function mayBear(address: string, name: string | undefined): boolean {
    const names = own.get(address);
    if (names !== undefined) return name === undefined || names === 'any' || names.has(nameKey(name));
    if (policy.mode !== 'domain' || isOthers(address)) return false;
    return isOfDomain(address, policy.domains);
  }

  function stranger(rule: Stranger['rule'], address: string, what: string): Stranger {
    const remedy =
      suggestion === undefined
        ? 'No address is known for it: ask the policy owner to add one to `authors.identities`.'
        : `It commits as ${suggestion}.`;
    const masked = address === '' ? '' : maskAddress(address);
    return {
      rule,
      address,
      masked,
      message: `${what} is neither the one who pushes nor one for whom it acts (${who}). ${remedy}`,
    };
  }

  return {
    person: (role, name, text) => {
      const address = normalAddress(text);
      if (mayBear(address, name) && !isOthers(nameKey(name))) return undefined;
      return stranger('policy/author-mismatch', address, `The ${role}`);
    },
    trailer: ({ key, value }) => {
      const person = readPerson(value);
      const address = person === undefined ? '' : normalAddress(person.address);
      if (key === 'co-authored-by') {
        // Anybody may have helped; somebody whom the policy knows must have been here.
        const isForged = person !== undefined && (isOthers(address) || isOthers(nameKey(person.name)));
        return isForged
          ? stranger('policy/forged-trailer', address, 'Who is named in the trailer Co-authored-by')
          : undefined;
      }
      const named = key === 'agent' ? chain.slice(0, 1) : chain;
      const isNamed =
        named.some(({ id }) => value === id || value === nameOf(id)) ||
        (person !== undefined && mayBear(address, undefined));
      const title = key === 'agent' ? 'Agent' : 'On-behalf-of';
      return isNamed
        ? undefined
        : stranger('policy/forged-trailer', address, `Who is named in the trailer ${title}`);
    },
    holder: (fingerprint, now) => {
      const known = keys.get(fingerprint);
      if (known === undefined) return { kind: 'unknown' };
      const { id: signer, isOf, validUntil } = known;
      if (validUntil !== undefined && now >= validUntil) return { kind: 'expired', signer };
      if (isOf === 'forge') return { kind: 'forge', signer };
      if (isOwn(isOf)) return { kind: 'own', signer };
      return { kind: 'other', signer, covers: (address) => known.addresses.has(normalAddress(address)) };
    },
  };
}

/** Every address of a principal, with the names that may stand beside it. */
function addressesOf(
  named: Named,
  identities: readonly Identity[],
): readonly (readonly [string, ReadonlySet<string> | 'any'])[] {
  const listed = identities
    .filter(({ isOf }) => isOf(named.id))
    .flatMap(({ emails, names }) =>
      emails.flatMap((email) => {
        const address = fillAddress(email, named);
        const allowed = names === undefined ? 'any' : new Set(names.map(nameKey));
        return address === undefined ? [] : [[address, allowed] as const];
      }),
    );
  const inId = addressOfId(named.id);
  return inId === undefined ? listed : [[inId, 'any'], ...listed];
}
