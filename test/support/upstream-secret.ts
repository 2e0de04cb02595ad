// Credentials of upstreams as tests make them: each holds one mark, so that whoever looks for the mark, in whatever form
// it travels, looks for all credentials of the whole suite. Leaks are noted in a file that ends the run with a failure.
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';

// Put together here: this source may be quoted in what is looked through.
const mark = ['c0de5ec4', 'e7fa11ed'].join('');

/** A new credential that the guard shows an upstream; the guard may show it to nobody else. */
export function upstreamSecret(): string {
  return `up-${mark}-${randomBytes(8).toString('hex')}`;
}

/** Hexadecimal characters with the mark in front, for credentials whose form is given. */
export function markedHex(length: number): string {
  return (mark + randomBytes(length).toString('hex')).slice(0, length);
}

/** What is certain of the Base64 of a text that holds `part`, whatever stands before and after it. */
function base64Forms(part: string): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(part, 'latin1')]);
    const from = Math.ceil((shift * 8) / 6);
    return bytes.toString('base64').slice(from, Math.floor((bytes.length * 8) / 6));
  });
}

// Twice in Base64: a token that is a JWT, as the password of HTTP Basic.
const once = base64Forms(mark);
const inBase64 = [...once, ...once.flatMap(base64Forms)];
const plain = [
  mark,
  Buffer.from(mark, 'latin1').toString('hex'),
  [...Buffer.from(mark, 'latin1')].map((byte) => `%${byte.toString(16)}`).join(''),
];

/** Texts one of which stands in everything that holds a credential; all of them in lower case or as Base64. */
export const upstreamSecretForms: readonly string[] = [...plain, ...inBase64];
/** Longer than any form: what must be kept of a piece to find a form that two pieces share. */
export const longestForm = Math.max(...upstreamSecretForms.map(({ length }) => length));

/** True where a credential of an upstream stands in it, plain, escaped, in hex or in Base64. */
export function holdsUpstreamSecret(content: string | Uint8Array): boolean {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
  const lower = text.toLowerCase();
  return plain.some((form) => lower.includes(form)) || inBase64.some((form) => text.includes(form));
}

/** File of the run to which leaks are written; set by the run's setup and inherited by everything it starts. */
export const leakFileVariable = 'FORGEGUARD_TEST_LEAKS';

/** Notes a leak; the run fails with all of them at its end. Here and now it throws, where the caller wants that. */
export function noteLeak(place: string): void {
  const file = process.env[leakFileVariable];
  if (file !== undefined) appendFileSync(file, `${place}\n`);
}

/** Notes a leak where `content` has one. */
export function expectNoUpstreamSecret(place: string, content: string | Uint8Array): void {
  if (holdsUpstreamSecret(content)) noteLeak(place);
}
