// The trailers of a commit message that say who made it (git-interpret-trailers). The message is attacker-controlled.
//
//   trailers = lines of the last paragraph, which is not the first; other lines in it are passed over
//   trailer  = key ":" *SP value

/** Trailers that name somebody, by their key in lower case. */
export const namingTrailers = ['agent', 'on-behalf-of', 'co-authored-by'] as const;
export type NamingTrailer = (typeof namingTrailers)[number];

export interface Trailer {
  readonly key: NamingTrailer;
  readonly value: string;
}

const longestTail = 16_384;
const mostTrailers = 200;

/** The naming trailers of a message, in their order. */
export function readTrailers(message: Uint8Array): readonly Trailer[] {
  const tail = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    .subarray(-longestTail)
    .toString('utf8');
  // Most messages have none; a colon behind one of the words is rare enough to look for first.
  if (!/^(agent|on-behalf-of|co-authored-by)[ \t]*:/im.test(tail)) return [];
  const paragraphs = tail
    .replaceAll('\r\n', '\n')
    .trimEnd()
    .split(/\n[ \t]*\n/);
  // A message of one paragraph has a subject and no trailers.
  const last = paragraphs.length < 2 ? '' : (paragraphs.at(-1) ?? '');
  return last
    .split('\n')
    .slice(-mostTrailers)
    .flatMap((line) => {
      const [, word = '', value = ''] = /^([A-Za-z-]{1,40})[ \t]*:[ \t]*(.*)$/.exec(line) ?? [];
      const key = namingTrailers.find((name) => name === word.toLowerCase());
      return key === undefined || value.trim() === '' ? [] : [{ key, value: value.trim() }];
    });
}

/** A name and an address, as `Name <address>`; undefined where there is no address. */
export function readPerson(text: string): { readonly name: string; readonly address: string } | undefined {
  const [, name = '', address = ''] = /^([^<>\n]*)<([^<>\n]*)>/.exec(text) ?? [];
  return address === '' ? undefined : { name: name.trim(), address };
}
