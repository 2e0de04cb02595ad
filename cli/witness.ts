// `forgeguard witness`: runs a witness, best on a machine that the guard's operators do not have. It vouches that a log
// only ever grew, and so catches a history that was written anew even by somebody with the log's signing key.
import process from 'node:process';
import type { Command } from 'commander';
import { parseVerifierKey, signatureTypes, verifierKeyText } from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import { parseListenAddress } from '../server/address.ts';
import { createHttpServer } from '../server/http.ts';
import { witnessRoutes } from '../server/witness/routes.ts';
import { openWitnessState, readWitnessKey } from '../server/witness/state.ts';
import { stopSignal } from './stop-signal.ts';

interface WitnessFlags {
  readonly name: string;
  readonly data: string;
  readonly listen: string;
  readonly log: readonly string[];
}

function readLogs(texts: readonly string[]) {
  return texts.map((text) => {
    const key = parseVerifierKey(text.trim());
    if (key === undefined)
      throw new GuardError('input/invalid', 'a --log is the verifier key of an audit log');
    return key;
  });
}

async function witness(flags: WitnessFlags): Promise<void> {
  const stopped = stopSignal();
  const logs = readLogs(flags.log);
  const address = parseListenAddress(flags.listen);
  if (address === undefined)
    throw new GuardError('input/invalid', '--listen is an address such as 127.0.0.1:8081');
  const signer = await readWitnessKey(flags.data, flags.name);
  const http = createHttpServer({ log: process.stderr, checkReady: async () => undefined });
  await http.register(witnessRoutes, {
    witness: signer,
    logs,
    state: openWitnessState(flags.data),
    clock: { now: () => new Date() },
  });
  const url = await http.listen(address).catch((cause: unknown) => {
    throw new GuardError('listen/in-use', `couldn't listen on ${flags.listen}`, { cause });
  });
  process.stdout.write(`witness at ${url}\nkey ${verifierKeyText(signer, signatureTypes.cosignature)}\n`);
  await stopped;
  await http.close();
}

const collect = (text: string, texts: readonly string[]): readonly string[] => [...texts, text];

/** Adds the command. */
export function registerWitness(program: Command): void {
  program
    .command('witness')
    .summary('cosign the checkpoints of audit logs')
    .description(
      'Run a witness (C2SP tlog-witness) that cosigns checkpoints of audit logs which only ever grew.',
    )
    .requiredOption('--name <name>', 'name of the witness, unique in the world, such as witness.example.org')
    .requiredOption(
      '--log <vkey>',
      'verifier key of a log; may be repeated, also for the keys of one log',
      collect,
      [],
    )
    .option('--data <directory>', 'where its key and the cosigned checkpoints are', '.forgeguard-witness')
    .option('--listen <address>', 'address to listen on', '127.0.0.1:8081')
    .action(witness);
}
