// What the commits and tags of a pack say about who made them, noted while their headers are read anyway. Headers and
// trailers are attacker-controlled text; only what may not stand there is kept.
import type { AuthorJudge, Role, Stranger } from '../../core/policy/authors.ts';
import { readTrailers } from '../../core/trailers.ts';
import { GrowingInt32Array } from './growing-array.ts';
import type { HeadedObject } from './object-format.ts';

export interface NotedStranger extends Stranger {
  /** Position of the commit or tag in the pack. */
  readonly object: number;
}

const mostNoted = 50_000;
const roles: ReadonlySet<string> = new Set<Role>(['author', 'committer', 'tagger']);
const signatureHeaders: ReadonlySet<string> = new Set(['gpgsig', 'gpgsig-sha256']);
const inTagMessage = /^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----$/m;

/** Filled by one inspection. */
export class AuthorNotes {
  readonly strangers: NotedStranger[] = [];
  /** True where there were more strangers than are kept. */
  overflowed = false;
  readonly signed = new GrowingInt32Array();
  readonly unsigned = new GrowingInt32Array();
  readonly #judge: AuthorJudge | undefined;

  /** Without a judge nobody is compared. */
  constructor(judge: AuthorJudge | undefined) {
    this.#judge = judge;
  }

  /** Notes one commit or tag. */
  note(object: number, isCommit: boolean, { headers, message }: HeadedObject): void {
    const isSigned =
      headers.some(({ key }) => signatureHeaders.has(key)) ||
      (!isCommit && inTagMessage.test(textOf(message)));
    (isSigned ? this.signed : this.unsigned).push(object);
    if (this.#judge === undefined) return;
    for (const { key, value } of headers) {
      if (!isRole(key)) continue;
      const { name, address } = readIdent(value);
      this.#keep(object, this.#judge.person(key, name, address));
    }
    if (!isCommit) return;
    for (const trailer of readTrailers(message)) this.#keep(object, this.#judge.trailer(trailer));
  }

  #keep(object: number, stranger: Stranger | undefined): void {
    if (stranger === undefined) return;
    if (this.strangers.length === mostNoted) this.overflowed = true;
    else this.strangers.push({ ...stranger, object });
  }
}

function isRole(key: string): key is Role {
  return roles.has(key);
}

function textOf(message: Uint8Array): string {
  return Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('latin1');
}

// ident = name SP "<" address ">" SP time SP zone; anything else has no address and is nobody's.
function readIdent(value: string): { readonly name: string; readonly address: string } {
  const [, name = '', address = ''] = /^([^<>]*)<([^<>]*)>[^<>]*$/.exec(value) ?? [];
  return { name: name.trim(), address };
}
