// Escaping of CEF and syslog against readers of their own, by their grammars: what is read is what was written, and
// nothing breaks out of its field or its line.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cefHeader, cefText, cefValue } from '../../server/sinks/cef.ts';
import { headerField, paramValue, syslogFrame, syslogMessage } from '../../server/sinks/syslog-message.ts';
import { shippedEntry } from '../support/shipped.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('\\', '|', '=', '"', ']', '[', '\n', '\r', ' ', 'é', 'cs1=', '\u0000', 'x'))
    .map((parts) => parts.join('')),
);

/** Splits the header at bars that are not escaped; the rest is the extension. */
function readCef(line: string): { readonly header: readonly string[]; readonly extension: string } {
  const header: string[] = [];
  let field = '';
  let at = 0;
  for (; at < line.length && header.length < 7; at += 1) {
    const character = line[at] ?? '';
    if (character === '\\') field += line[(at += 1)] ?? '';
    else if (character === '|') {
      header.push(field);
      field = '';
    } else field += character;
  }
  return { header, extension: line.slice(at) };
}

/** Values run to the next `key=` whose equals sign is not escaped. */
function readExtension(text: string): Readonly<Record<string, string>> {
  const found = [...text.matchAll(/(?:^| )([A-Za-z0-9]+)=((?:\\.|[^\\=])*?)(?=(?: [A-Za-z0-9]+=)|$)/gsu)];
  return Object.fromEntries(
    found.map(([, key = '', value = '']) => [
      key,
      value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    ]),
  );
}

/** PARAM-VALUE of RFC 5424 §6: up to the quote that is not escaped. */
function readParams(element: string): Readonly<Record<string, string>> {
  const params: Record<string, string> = {};
  const [, inner = ''] = /^\[[^ =\]"]+((?: [^ =\]"]+="(?:\\["\\\]]|[^"\\\]])*")*)\]$/s.exec(element) ?? [];
  for (const [, name = '', value = ''] of inner.matchAll(/ ([^ =\]"]+)="((?:\\["\\\]]|[^"\\\]])*)"/gs))
    params[name] = value.replaceAll(/\\(["\\\]])/g, '$1');
  return params;
}

const withoutControls = (text: string): string => text.toWellFormed().replaceAll(/\p{Cc}/gu, ' ');

describe('CEF', () => {
  test('a field of the header is read back, whatever is in it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { header } = readCef(`CEF:0|${cefHeader(text)}|b|c|d|e|f|`);
        expect(header[1]).toBe(text.toWellFormed().replaceAll(/\p{Cc}+/gu, ' '));
        expect(header).toHaveLength(7);
      }),
    );
  });

  test('a value is read back, and never holds an equals sign or a line break in the open', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const written = cefValue(text);
        expect(written).not.toMatch(/[\r\n]/);
        expect(written.replaceAll(/\\./g, '')).not.toContain('=');
        const expected = text
          .toWellFormed()
          .replaceAll(/\r\n|\r/g, '\n')
          .replaceAll(/[^\P{Cc}\n]/gu, ' ');
        expect(readExtension(`msg=${written} end=1`)['msg']).toBe(expected);
      }),
    );
  });

  test('an event is one line with its number, leaf hash and who acted', () => {
    fc.assert(
      fc.property(hostile, hostile, (repository, reason) => {
        const item = shippedEntry({
          action: 'push.refused',
          request: 'r',
          actor: null,
          repository,
          details: { reason },
        });
        const line = cefText('log/x', item);
        expect(line).not.toMatch(/[\r\n]/);
        const { header, extension } = readCef(line);
        expect(header[4]).toBe('push.refused');
        const values = readExtension(extension);
        expect(values).toMatchObject({
          externalId: '7',
          cs1Label: 'leafHash',
          cs1: Buffer.from(item.leaf).toString('base64'),
          cs2: 'log/x',
        });
      }),
    );
  });
});

describe('syslog', () => {
  test('a parameter is read back, whatever is in it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const params = readParams(`[a@1 x="${paramValue(text)}" y="1"]`);
        expect(params).toEqual({ x: withoutControls(text), y: '1' });
      }),
    );
  });

  test('a field of the header is printable ASCII and never empty', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(headerField(text, 32)).toMatch(/^[\x21-\x7e]{1,32}$/);
      }),
    );
  });

  test('a message keeps to its size and its grammar, and has the mark where it is not ASCII', () => {
    const style = {
      facility: 13,
      enterpriseNumber: 32_473,
      host: 'höst',
      format: 'json',
      maxMessageBytes: 2_048,
    } as const;
    fc.assert(
      fc.property(hostile, fc.nat(4_000), (text, more) => {
        const item = shippedEntry({
          action: 'fetch.served',
          request: text.slice(0, 100).replaceAll('\0', ''),
          actor: null,
          repository: text,
          details: { note: 'ü'.repeat(more) },
        });
        const message = syslogMessage('log/x', item, style, new Date());
        const whole = message.toString('utf8');
        const match =
          /^<110>1 \S+ hst forgeguard - fetch\.served (\[(?:[^"\]]|"(?:\\.|[^"\\])*")*\]) (.*)$/s.exec(whole);
        expect(match).not.toBeNull();
        expect(readParams(match?.[1] ?? '')['seq']).toBe('7');
        const body = match?.[2] ?? '';
        expect(body.startsWith('\uFEFF')).toBe(/[^\x00-\x7f]/.test(body));
        expect(() => JSON.parse(body.replace(/^\uFEFF/, '')) as unknown).not.toThrow();
        if (text.length < 100) expect(message.length).toBeLessThanOrEqual(2_048);
        expect(syslogFrame(message).toString('utf8')).toBe(`${message.length} ${whole}`);
      }),
    );
  });
});
