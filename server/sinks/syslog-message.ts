// Items as syslog messages (RFC 5424 §6), framed by counting octets (RFC 5425 §4.3):
//
//   frame   = length SP message
//   message = "<" PRI ">1" SP time SP host SP "forgeguard" SP "-" SP action SP "[" sd-id *( SP name "=" value ) "]" SP text
//
// The text is ASCII where it can be; else it begins with the byte order mark that the RFC demands of UTF-8.
import { base64 } from '../../core/base64.ts';
import { type ShippedItem, recordText } from '../../core/shipped-record.ts';
import { cefText } from './cef.ts';
import { type Severity, severityOf } from './severity.ts';

export interface SyslogStyle {
  /** 0 to 23. */
  readonly facility: number;
  /** Whose number names the element: the structured data is `forgeguard@NUMBER`. */
  readonly enterpriseNumber: number;
  readonly host: string;
  readonly format: 'json' | 'cef';
  /** Longest message in bytes; an entry that is longer goes without its details. */
  readonly maxMessageBytes: number;
}

const severities: Readonly<Record<Severity, number>> = {
  informational: 6,
  low: 5,
  medium: 4,
  high: 3,
  critical: 2,
};
/** Bytes that are left for what stands in front of the text. */
const headBytes = 1_024;
const longestParam = 200;

/** Escapes a PARAM-VALUE (RFC 5424 §6.3.3); control characters become spaces. */
export function paramValue(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll(/["\\\]]/g, (found) => `\\${found}`);
}

/** A header field: printable ASCII, at most `longest`, `-` where nothing is left. */
export function headerField(text: string, longest: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, longest) || '-';
}

function params(log: string, item: ShippedItem): Readonly<Record<string, string | number | undefined>> {
  switch (item.kind) {
    case 'entry': {
      const { entry, seq, leaf } = item;
      return {
        seq,
        leaf: base64(leaf),
        log,
        request: entry.request,
        actor: entry.actor?.id,
        repository: entry.repository ?? undefined,
      };
    }
    case 'skipped':
      return { from: item.from, past: item.past, log };
    case 'checkpoint':
      return { size: item.size, log };
  }
}

/** The message, without its frame. */
export function syslogMessage(log: string, item: ShippedItem, style: SyslogStyle, now: Date): Buffer {
  const isEntry = item.kind === 'entry';
  const severity = isEntry ? severities[severityOf(item.entry)] : severities.informational;
  const data = Object.entries(params(log, item))
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${paramValue(String(value).slice(0, longestParam))}"`);
  const head = [
    `<${style.facility * 8 + severity}>1`,
    isEntry ? item.entry.time : now.toISOString(),
    headerField(style.host, 255),
    'forgeguard',
    '-',
    headerField(isEntry ? item.entry.action : item.kind, 32),
    `[forgeguard@${style.enterpriseNumber}${data.join('')}]`,
  ].join(' ');
  const room = style.maxMessageBytes - headBytes;
  const text = style.format === 'cef' ? cefText(log, item) : recordText(log, item, room);
  // eslint-disable-next-line no-control-regex
  const mark = /^[\x00-\x7f]*$/.test(text) ? '' : '\uFEFF';
  return Buffer.from(`${head} ${mark}${text}`);
}

/** The message in its frame. */
export function syslogFrame(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}
