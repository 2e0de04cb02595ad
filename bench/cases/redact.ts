// Redacted megabytes of a log stream per second of processor time: logs of several frameworks with a patient's value now
// and then, against the expressions that a pipeline would be given instead, replaced line by line.
import { createRedactor } from '../../scanners/redact.ts';
import { makePerson } from '../../test/support/person.ts';
import type { BenchCase } from '../bench-case.ts';
import { expressions } from '../expressions.ts';
import { cpuSecondsOf, interleave, type Row } from '../measure.ts';

const megabyte = 1_000_000;
const chunkBytes = 65_536;
/** One line in so many tells something about a patient: none, in a quiet log, and in one that should not be. */
const densities = [undefined, 2_500, 250] as const;

const time = (at: number): string => new Date(Date.UTC(2026, 0, 1) + at * 37).toISOString();

const lines: readonly ((at: number) => string)[] = [
  (at) =>
    `${time(at)} INFO  [worker-${at % 8}] c.a.v.VisitService : finished step ${at % 900} in ${at % 87} ms`,
  (at) =>
    `10.0.${at % 250}.7 - - "GET /api/v1/visits/${at}?page=${at % 40}&size=50 HTTP/1.1" 200 ${at % 70_000}`,
  (at) =>
    `{"level":30,"time":${1_700_000_000 + at},"pid":41,"msg":"request completed","statusCode":200,"ms":${at % 300}}`,
  (at) => `time=${time(at)} level=debug msg="cache miss" key=visit:${at} shard=${at % 16} took=${at % 9}ms`,
  (at) => `    at com.acme.visits.Store.load(Store.java:${at % 400})`,
  (at) => `  PASS  test/visits/store-${at % 60}.test.ts (${at % 20}.${at % 10} s)`,
];

function told(at: number): string {
  const { given, family, born, ssn, mrn } = makePerson(at % 50);
  return at % 2 === 0
    ? `${time(at)} WARN  saved Patient(firstName=${given}, lastName=${family}, dateOfBirth=${born}, mrn=${mrn})`
    : `${time(at)} ERROR eligibility failed for ssn: ${ssn}`;
}

/** Chunks of a stream of `bytes` bytes and more, as a pipe hands them on. */
function makeLog(bytes: number, every: number | undefined): readonly Buffer[] {
  const parts: string[] = [];
  let length = 0;
  for (let at = 0; length < bytes; at++) {
    const plain = lines[at % lines.length]?.(at) ?? '';
    const line = every !== undefined && at % every === every - 1 ? told((at / every) | 0) : plain;
    parts.push(`${line}\n`);
    length += line.length + 1;
  }
  const whole = Buffer.from(parts.join(''));
  return Array.from({ length: Math.ceil(whole.length / chunkBytes) }, (_, at) =>
    whole.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  );
}

async function measure(chunks: readonly Buffer[], every: number | undefined, quick: boolean): Promise<Row> {
  const megabytes = chunks.reduce((sum, { length }) => sum + length, 0) / megabyte;
  let hidden = 0;
  const own = async (): Promise<number> => {
    const redactor = createRedactor();
    const seconds = await cpuSecondsOf(async () => {
      for (const chunk of chunks) await redactor.write(chunk);
      await redactor.end();
    });
    hidden = [...redactor.counts.values()].reduce((sum, count) => sum + count, 0);
    return megabytes / seconds;
  };
  const patterns = expressions.map(
    ({ source }) => new RegExp(source.replace('(?i)', ''), source.startsWith('(?i)') ? 'gi' : 'g'),
  );
  const naive = async (): Promise<number> => {
    let length = 0;
    const seconds = await cpuSecondsOf(async () => {
      for (const chunk of chunks)
        for (const line of chunk.toString('utf8').split('\n'))
          length += patterns.reduce((text, pattern) => text.replaceAll(pattern, '***'), line).length;
      await Promise.resolve();
    });
    return length === 0 ? 0 : megabytes / seconds;
  };
  const { base, ours } = await interleave(quick ? 3 : 7, naive, own, quick ? 2 : 3);
  const note = `${megabytes.toFixed(1)} MB of log, ${hidden} values hidden, processor time`;
  const baseName = `${patterns.length} expressions`;
  const measured = `redaction, ${every === undefined ? 'no value' : `a value in ${every} lines`}`;
  return { measure: measured, unit: 'MB/s', baseName, base, ours, note };
}

/** The redact case. */
export const redactCase: BenchCase = {
  name: 'redact',
  title: 'megabytes of a log redacted per second and core',
  needs: 'nothing',
  run: async ({ quick }) => {
    const rows: Row[] = [];
    for (const every of densities)
      rows.push(await measure(makeLog(quick ? 2 * megabyte : 12 * megabyte, every), every, quick));
    return rows;
  },
};
