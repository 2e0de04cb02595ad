// A scanning thread. It holds no credential and no handle to anything: bytes come in by message, findings go out.
// A scan that throws answers `failed`; what it threw may hold text of the file and is therefore dropped here.
import { parentPort, workerData } from 'node:worker_threads';
import { createRedactor, type Redactor } from '../../scanners/redact.ts';
import { createScanner, type ScanWriter } from '../../scanners/scan.ts';
import type { Answer, FromWorker, ToWorker, WorkerSettings } from './messages.ts';

const WARM_DELAY_MS = 200;

async function serve(given: WorkerSettings): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('The scanning worker must be started by the scan pool.');
  const scanner = createScanner(given);
  const open = new Map<number, ScanWriter>();
  const redactors = new Map<number, Redactor>();
  let tail = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    tail = tail.then(async () => send({ kind: 'answers', answers: await handle(message) }));
  });
  await scanner.scan({ kind: 'file', path: 'warm-up.json' }, Buffer.from('{"password": ""}'));
  send({ kind: 'ready' });
  setTimeout(() => {
    tail = tail.then(() => scanner.warm());
  }, WARM_DELAY_MS).unref();

  function send(message: FromWorker): void {
    port?.postMessage(message);
  }

  async function handle(message: ToWorker): Promise<readonly Answer[]> {
    switch (message.kind) {
      case 'batch': {
        const answers: Answer[] = [];
        for (const { id, target, bytes } of message.tasks) {
          answers.push(
            await answer(id, async () => ({ kind: 'result', id, result: await scanner.scan(target, bytes) })),
          );
          giveBack(bytes);
        }
        return answers;
      }
      case 'open':
        open.set(message.id, scanner.open(message.target));
        return [];
      case 'write':
        return [
          await answer(message.id, async () => {
            await writer(message.id).write(message.chunk);
            return { kind: 'taken', id: message.id };
          }),
        ];
      case 'end':
        return [
          await answer(message.id, async () => {
            const result = await writer(message.id).end();
            open.delete(message.id);
            return { kind: 'result', id: message.id, result };
          }),
        ];
      case 'open-redactor':
        redactors.set(message.id, createRedactor(message.options));
        return [];
      case 'redact':
        return [await redacted(message.id, (redactor) => redactor.write(message.chunk))];
      case 'redact-end':
        return [await redacted(message.id, (redactor) => redactor.end())];
      case 'close':
        open.delete(message.id);
        redactors.delete(message.id);
        return [];
    }
  }

  function redacted(
    id: number,
    step: (redactor: Redactor) => Promise<readonly Uint8Array[]>,
  ): Promise<Answer> {
    return answer(id, async () => {
      const redactor = redactors.get(id);
      if (redactor === undefined) throw new Error('No such redaction is open.');
      // A part may be a view of a larger buffer, which must not be sent with it.
      const parts = (await step(redactor)).map((part) => new Uint8Array(part));
      return { kind: 'redacted', id, parts };
    });
  }

  function writer(id: number): ScanWriter {
    const found = open.get(id);
    if (found === undefined) throw new Error('No such scan is open.');
    return found;
  }
}

// Detaching frees the memory now. Waiting for the garbage collector would let hundreds of megabytes of scanned bytes
// pile up in each thread.
function giveBack(bytes: Uint8Array<ArrayBuffer>): void {
  bytes.buffer.transfer(0);
}

function isSettings(data: unknown): data is WorkerSettings {
  return typeof data === 'object' && data !== null && 'fingerprintKey' in data && 'limits' in data;
}

async function answer(id: number, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch {
    return { kind: 'failed', id };
  }
}

const settings: unknown = workerData;
if (isSettings(settings)) await serve(settings);
