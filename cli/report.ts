// `forgeguard report AGENT`: takes a report about an agent and a period from a running guard.
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { GuardError } from '../core/errors.ts';
import { type ReportFormat, reportFormats } from '../core/report/service.ts';
import { connectToGuard, type GuardFlags } from './guard-client.ts';
import { guardOptions } from './guard-options.ts';

interface ReportFlags extends GuardFlags {
  readonly from?: string;
  readonly to?: string;
  readonly format?: ReportFormat;
  readonly out?: string;
}

/** The form that the name of a file asks for. */
function formatOf(out: string | undefined): ReportFormat {
  return reportFormats.find((format) => out?.endsWith(`.${format}`) === true) ?? 'json';
}

async function report(agent: string, flags: ReportFlags): Promise<void> {
  const { from, to, out, format = formatOf(out) } = flags;
  if (format === 'pdf' && out === undefined && process.stdout.isTTY)
    throw new GuardError('input/invalid', 'a PDF is no text for a terminal: name a file with --out');
  if (out !== undefined && (await stat(out).catch(() => undefined)) !== undefined)
    throw new GuardError('input/invalid', `${out} is there already`);
  const query = new URLSearchParams({
    format,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  });
  const guard = await connectToGuard(flags, 'adminToken');
  const parts = guard.download(`/agents/${encodeURIComponent(agent)}/report?${query.toString()}`);
  if (out === undefined) await pipeline(parts, process.stdout, { end: false });
  else await writeWhole(parts, out);
}

/** Writes beside the place and moves there: what has the name is whole. */
async function writeWhole(parts: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await rm(partial, { force: true });
    await pipeline(parts, createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }));
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    if (cause instanceof GuardError) throw cause;
    throw new GuardError('input/unreadable', `couldn't write ${path}`, { cause });
  }
  process.stdout.write(`${path}\n`);
}

/** Adds `report` to the program. */
export function registerReport(program: Command): void {
  guardOptions(program.command('report'))
    .description(
      'write a report about an agent: what it did for whom, decisions, findings, approvals, anomalies',
    )
    .argument('<agent>', 'its principal id; `agent:` may be left out')
    .option('--from <time>', 'first day (UTC) or time; 30 days before the end unless given')
    .option('--to <time>', 'day or time before which it ends; now unless given')
    .addOption(
      new Option('--format <format>', 'form; else as the file’s name says, else json').choices([
        ...reportFormats,
      ]),
    )
    .option('--out <file>', 'write to this file, which must not be there yet, instead of standard output')
    .action(report);
}
