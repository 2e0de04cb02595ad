// The check of `forgeguard doctor` on Redis: it answers, is new enough, and keeps what it is given.
import { GuardError } from '../core/errors.ts';
import { adviseOn, askRedis } from '../server/redis-facts.ts';
import type { Config } from '../server/config.ts';
import type { Finding } from './doctor-checks.ts';

const patienceMs = 5_000;
const oldest = [6, 2] as const;

/** One finding where the queue is configured to be on Redis; none where it is in PostgreSQL. */
export async function checkRedis({ redis: { url } }: Pick<Config, 'redis'>): Promise<readonly Finding[]> {
  if (url === undefined) return [];
  const what = 'Redis';
  try {
    const facts = await askRedis(url, patienceMs);
    const saw = `${facts.version}, maxmemory-policy ${facts.evictionPolicy ?? 'unknown'}`;
    if (isOld(facts.version))
      return [{ grade: 'fail', what, saw, remedy: `Use Redis ${oldest.join('.')} or newer.` }];
    const advice = adviseOn(facts);
    return [
      advice === null ? { grade: 'ok', what, saw } : { grade: 'warn', what, saw, remedy: `${advice}.` },
    ];
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    return [{ grade: 'fail', what, saw: error.message, remedy: error.remedy }];
  }
}

/** What says no version is not called old. */
function isOld(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return false;
  return Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1]);
}
