// Lines of web servers' access logs (common and combined log format): the client's address, and paths that name a
// patient. An address in a log of requests belongs to whoever made them.
import type { PatternRule } from '../rule.ts';
import { isReservedAddress } from './synthetic.ts';

const line =
  /^((?:\d{1,3}\.){3}\d{1,3}|[\da-f]{0,4}(?::[\da-f]{0,4}){3,7}) \S{1,40} (\S{1,64}) \[[^\]]{10,40}\] "(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (\S{1,2000}) HTTP/i;
const patientPath =
  /\/(?:patients?|members?|beneficiar(?:y|ies)|charts?|mrn)\/([A-Za-z]{0,4}-?\d{5,12})(?![\w-])/i;

export const accessLogRule: PatternRule = {
  literals: ['] "get ', '] "post ', '] "put ', '] "patch ', '] "delete ', '] "head ', '] "options '],
  find({ text, start, document }, emit) {
    if (document.source) return;
    const match = line.exec(text);
    if (match === null) return;
    const [address, user, path] = [match[1] ?? '', match[2] ?? '', match[3] ?? ''];
    const patient = patientPath.exec(path);
    const reason = isReservedAddress(address) ? 'an address of a private or reserved network' : undefined;
    const confidence = patient !== null || user !== '-' ? 0.7 : 0.6;
    const hit = { rule: 'phi/ip', start, end: start + address.length, confidence } as const;
    emit(reason === undefined ? hit : { ...hit, synthetic: reason });
    if (patient === null) return;
    const number = patient[1] ?? '';
    const at = start + text.indexOf(path) + patient.index + patient[0].length - number.length;
    emit({ rule: 'phi/mrn', start: at, end: at + number.length, confidence: 0.87, place: 'an access log' });
  },
};
