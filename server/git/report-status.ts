// report-status and report-status-v2 (gitprotocol-pack, "Report Status"): written for our clients, read from upstreams.
//
//   report         = PKT-LINE("unpack" SP ("ok" / message)) 1*(command-status) flush-pkt
//   command-status = PKT-LINE("ok" SP refname) *option-line / PKT-LINE("ng" SP refname SP message)
//   option-line    = PKT-LINE("option" SP name [SP value])      ; v2 only
import { GuardError } from '../../core/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import { flushPacket, packet, packetText, readPacket } from './pkt-line.ts';

export type RefStatus =
  | { readonly ref: string; readonly kind: 'ok'; readonly options: readonly string[] }
  | { readonly ref: string; readonly kind: 'ng'; readonly message: string };

export interface Report {
  /** `ok`, or why the pack was not taken. */
  readonly unpack: string;
  readonly refs: readonly RefStatus[];
}

const messageCap = 1000;

/** The report as packets. Options are left out where the client did not ask for version 2. */
export function writeReport(report: Report, version: 1 | 2): Buffer {
  const lines = [`unpack ${oneLine(report.unpack)}`];
  for (const status of report.refs) {
    if (status.kind === 'ng') {
      lines.push(`ng ${status.ref} ${oneLine(status.message)}`);
    } else {
      lines.push(`ok ${status.ref}`);
      if (version === 2) lines.push(...status.options.map((option) => `option ${oneLine(option)}`));
    }
  }
  return Buffer.concat([...lines.map((line) => packet(`${line}\n`)), flushPacket]);
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]+/g, ' ').slice(0, messageCap);
}

/** A report that refuses every ref with the same words. */
export function refuseAll(refs: readonly string[], message: string, unpack = 'ok'): Report {
  return { unpack, refs: refs.map((ref) => ({ kind: 'ng', ref, message })) };
}

/** Reads an upstream's report. Rejects with `upstream/invalid` where it is not one. */
export async function readReport(reader: ByteReader): Promise<Report> {
  let unpack: string | undefined;
  const refs: RefStatus[] = [];
  for (let next = await readPacket(reader); next?.kind === 'data'; next = await readPacket(reader)) {
    const line = packetText(next.data);
    const [word = '', ref = '', ...rest] = line.split(' ');
    const last = refs.at(-1);
    if (word === 'unpack') unpack = line.slice('unpack '.length);
    else if (word === 'ok') refs.push({ kind: 'ok', ref, options: [] });
    else if (word === 'ng')
      refs.push({ kind: 'ng', ref, message: rest.join(' ') || 'refused by the upstream' });
    else if (word === 'option' && last?.kind === 'ok') {
      refs.splice(-1, 1, { ...last, options: [...last.options, line.slice('option '.length)] });
    } else throw new GuardError('upstream/invalid', 'the upstream sent a report-status line that is not one');
  }
  if (unpack === undefined)
    throw new GuardError('upstream/invalid', 'the upstream ended without a report of the push');
  return { unpack, refs };
}
