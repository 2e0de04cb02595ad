// What is looked at from time to time, because a webhook may be lost: which repositories there are, where their refs stand,
// which webhooks did not arrive. One guard of several begins each round; the work goes through the queue.
import { setInterval } from 'node:timers';
import type { Hub, HubServices } from '../hub.ts';
import { upsertWork } from '../store.ts';
import { pruneLedger } from './ledger-store.ts';
import { beginRound, insertComparisons } from './round-store.ts';
import { pruneSight } from './sight-store.ts';

export interface BypassRounds extends AsyncDisposable {
  start(): void;
}

const installedSeconds = 3_600;
const pruneSeconds = 24 * 3_600;
/** A list that nobody could read is asked for again after this. */
const lookMs = 1_000;

/** Nothing is done before `start`. */
export function createBypassRounds(services: HubServices, hubs: readonly Hub[]): BypassRounds {
  const { database, wakeUp } = services;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  async function round(hub: Hub): Promise<void> {
    const { forge } = hub;
    const { compareEvery, redeliverEvery } = hub.app.bypass;
    const begin = (kind: string, seconds: number): Promise<boolean> =>
      beginRound(database, forge, kind, seconds);
    const put = async (kind: 'installed' | 'deliveries'): Promise<void> =>
      wakeUp([await upsertWork(database, { forge, repository: '', kind, subject: 'app', data: {} })]);
    if (await begin('installed', installedSeconds)) await put('installed');
    if (await begin('deliveries', redeliverEvery)) await put('deliveries');
    if (await begin('compare', compareEvery)) await insertComparisons(database, forge, compareEvery / 2);
    if (await begin('prune', pruneSeconds)) {
      await pruneLedger(database);
      await pruneSight(database);
    }
  }

  // What fails now is done a moment later.
  const look = async (): Promise<void> => {
    for (const hub of hubs) await round(hub).catch(() => undefined);
  };

  return {
    start: () => {
      timer = setInterval(() => {
        running ??= look().finally(() => (running = undefined));
      }, lookMs);
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
