// Asks GitHub which webhooks did not arrive and has them delivered again. GitHub's own list is the state: whoever asks
// finds out from it what was tried how often.
import { z } from 'zod';
import type { Hub, HubServices } from '../hub.ts';
import { appEvents } from '../manifest.ts';
import { hasDelivery } from '../store.ts';

const deliveryAnswer = z.object({
  id: z.number(),
  guid: z.string().max(100),
  delivered_at: z.string(),
  status_code: z.int(),
  event: z.string(),
});
export type Delivered = z.output<typeof deliveryAnswer>;

/** GitHub keeps deliveries for three days. */
const oldestMs = 3 * 24 * 3_600_000;
const mostPages = 40;
const mostAttempts = 5;
const mostAtOnce = 100;
/** One that has only just gone out may be on its way. */
const youngestMs = 2_000;

const events: ReadonlySet<string> = new Set([...appEvents, 'installation', 'installation_repositories']);

/** Those that no attempt brought, each by its newest attempt, oldest first; not those that were tried often enough. */
export function lostDeliveries(all: readonly Delivered[], now: Date): readonly Delivered[] {
  const isGood = ({ status_code: status }: Delivered): boolean => status >= 200 && status < 300;
  const ageOf = ({ delivered_at: at }: Delivered): number => now.getTime() - Date.parse(at);
  const groups = Map.groupBy(all, ({ guid }) => guid);
  return [...groups.values()]
    .filter((attempts) => !attempts.some(isGood) && attempts.length < mostAttempts)
    .flatMap((attempts) => attempts.toSorted((left, right) => ageOf(left) - ageOf(right)).slice(0, 1))
    .filter((newest) => events.has(newest.event) && ageOf(newest) >= youngestMs && ageOf(newest) < oldestMs)
    .toSorted((left, right) => ageOf(right) - ageOf(left))
    .slice(0, mostAtOnce);
}

/** Looks once. Rejects with an `upstream/…` error. */
export async function redeliverLost({ database, clock }: HubServices, { api, forge }: Hub): Promise<void> {
  const now = clock.now();
  const all: Delivered[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const { answer, next } = await api.askAsApp({
      route: 'GET /app/hook/deliveries',
      parameters: { per_page: 100, ...(cursor === undefined ? {} : { cursor }) },
      answer: z.array(deliveryAnswer),
    });
    all.push(...answer);
    const last = answer.at(-1);
    if (next === undefined || last === undefined) break;
    if (now.getTime() - Date.parse(last.delivered_at) > oldestMs) break;
    cursor = next;
  }
  for (const { id, guid } of lostDeliveries(all, now)) {
    // An answer that was lost is no lost webhook.
    if (await hasDelivery(database, forge, guid)) continue;
    await api.askAsApp({
      route: 'POST /app/hook/deliveries/{delivery_id}/attempts',
      parameters: { delivery_id: id },
      answer: z.unknown(),
    });
  }
}
