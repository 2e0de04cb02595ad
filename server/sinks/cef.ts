// Items in ArcSight's Common Event Format (version 0 of the header, as in the implementation standard 25 and 26):
//
//   "CEF:0|" vendor "|" product "|" version "|" event id "|" name "|" severity "|" *( key "=" value SP )
//
// In the header "\" and "|" are escaped, in values "\" and "="; line breaks are written as "\n" in values only.
import { base64 } from '../../core/base64.ts';
import type { ShippedItem } from '../../core/shipped-record.ts';
import { recordText } from '../../core/shipped-record.ts';
import { version } from '../version.ts';
import { sentenceOf } from './sentence.ts';
import { type Severity, severityOf } from './severity.ts';

const severities: Readonly<Record<Severity, number>> = {
  informational: 1,
  low: 3,
  medium: 5,
  high: 8,
  critical: 10,
};
/** Longest value; the standard's own limits of custom strings are 4,000. */
const longestValue = 4_000;

/** Escapes a field of the header; line breaks and control characters become spaces. */
export function cefHeader(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\\|]/g, (found) => `\\${found}`)
    .replaceAll(/\p{Cc}+/gu, ' ');
}

/** Escapes a value; control characters other than line breaks become spaces. */
export function cefValue(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\\=]/g, (found) => `\\${found}`)
    .replaceAll(/\r\n|\r|\n/g, String.raw`\n`)
    .replaceAll(/\p{Cc}/gu, ' ');
}

type Fields = Readonly<Record<string, string | number | undefined>>;

function line(id: string, name: string, severity: number, fields: Fields): string {
  const head = ['CEF:0', 'Forgeguard', 'Forgeguard', cefHeader(version), cefHeader(id), cefHeader(name)];
  const values = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${cefValue(String(value).slice(0, longestValue))}`);
  return `${head.join('|')}|${severity}|${values.join(' ')}`;
}

/** A custom string with its label. */
function custom(place: number, label: string, value: string | undefined): Fields {
  return value === undefined || value === '' ? {} : { [`cs${place}Label`]: label, [`cs${place}`]: value };
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** One event, without a line break. */
export function cefText(log: string, item: ShippedItem): string {
  if (item.kind !== 'entry') {
    const record = recordText(log, item);
    return line(`audit-log.${item.kind}`, item.kind, severities.informational, {
      msg: record.length > longestValue ? undefined : record,
      externalId: item.kind === 'checkpoint' ? item.size : item.from,
      ...custom(2, 'log', log),
    });
  }
  const { entry, seq, leaf } = item;
  const { actor, details } = entry;
  return line(entry.action, sentenceOf(entry), severities[severityOf(entry)], {
    rt: Date.parse(entry.time),
    externalId: seq,
    act: asText(details['verdict']),
    outcome: asText(details['code']),
    reason: asText(details['reason']) ?? asText(details['problem']),
    suid: actor?.id,
    suser: actor?.subject,
    src: asText(details['address']),
    request: entry.repository ?? undefined,
    ...custom(1, 'leafHash', base64(leaf)),
    ...custom(2, 'log', log),
    ...custom(3, 'requestId', entry.request),
    ...custom(4, 'onBehalfOf', actor?.onBehalfOf.join(' ')),
    ...custom(5, 'session', actor?.session),
    ...custom(6, 'policyDigest', asText(details['policyDigest'])),
  });
}
