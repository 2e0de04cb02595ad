// The HTTP face of a witness (C2SP tlog-witness): POST /add-checkpoint, GET /<origin hash>/checkpoint. Nobody identifies:
// what is signed is the checkpoint. One request at a time, so that what is checked is still true when it is signed.
import type { FastifyInstance } from 'fastify';
import type { NoteSigner, NoteVerifier } from '../../core/checkpoint.ts';
import { cosign } from '../../core/cosignature.ts';
import type { Clock } from '../../core/services.ts';
import { judge } from './add-checkpoint.ts';
import { originHash, type WitnessState } from './state.ts';

export interface WitnessOptions {
  readonly witness: NoteSigner;
  /** The verifier keys of the logs that are witnessed. */
  readonly logs: readonly NoteVerifier[];
  readonly state: WitnessState;
  readonly clock: Clock;
}

const maxBodyBytes = 262_144;

/** Registers the routes of a witness. */
export async function witnessRoutes(app: FastifyInstance, options: WitnessOptions): Promise<void> {
  const { witness, logs, state, clock } = options;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: maxBodyBytes }, (_request, body, done) =>
    done(null, body),
  );

  app.post('/add-checkpoint', { bodyLimit: maxBodyBytes }, async (request, reply) => {
    const body = typeof request.body === 'string' ? request.body : '';
    return inTurn(async () => {
      const judgement = await judge(body, logs, (origin) => state.read(origin));
      switch (judgement.kind) {
        case 'refuse':
          return reply
            .code(judgement.status)
            .type('text/plain; charset=utf-8')
            .send(`${judgement.message}\n`);
        case 'conflict':
          return reply.code(409).header('content-type', 'text/x.tlog.size').send(`${judgement.size}\n`);
        case 'cosign': {
          const line = cosign(judgement.text, witness, clock.now());
          // On disk before it is told: what was cosigned must never be forgotten.
          await state.write(judgement.origin, `${judgement.note}${line}`);
          return reply.type('text/plain; charset=utf-8').send(line);
        }
      }
    });
  });

  app.get<{ Params: { hash: string } }>('/:hash/checkpoint', async (request, reply) => {
    const origin = logs.find(({ name }) => originHash(name) === request.params.hash)?.name;
    const note = origin === undefined ? undefined : await state.read(origin);
    if (note === undefined)
      return reply.code(404).type('text/plain; charset=utf-8').send('nothing was cosigned for this log\n');
    return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-cache').send(note);
  });
}
