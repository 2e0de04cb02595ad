// The reports of an evidence pack: one for each agent that did something in its period, to read on a screen and by
// programs.
import type { Actor } from '../core/activity/service.ts';
import type { MadeReport } from '../core/report/made.ts';
import { createActivity } from '../server/activity/part.ts';
import { createAuditFeed } from '../server/audit/feed.ts';
import { createIntegritySource } from '../server/audit/integrity.ts';
import type { PackReport, Period } from '../server/audit/pack/export.ts';
import type { Sealing } from '../server/audit/sealing/sealing.ts';
import type { Config } from '../server/config.ts';
import type { Database } from '../server/db.ts';
import { buildReport } from '../server/reports/build.ts';
import { createReportPrinter } from '../server/reports/html.ts';

const pageSize = 200;
const longestMs = 600_000;

/** A report as a file, and what it is about. */
export type AgentReport = PackReport & Pick<MadeReport, 'agent' | 'from' | 'to' | 'format'>;

/** Made one after the other, as they are written. */
export async function* packReports(
  database: Database,
  config: Config,
  sealing: Sealing,
  { from, to }: Period,
): AsyncGenerator<AgentReport> {
  const clock = { now: () => new Date() };
  const feed = createAuditFeed(database, sealing);
  await using activity = createActivity({ database, feed, clock, onProblem: () => undefined });
  const { service } = activity;
  // A guard may not be there to read the log on.
  while ((await service.catchUp()).behind > 0);
  const integrity = createIntegritySource(database, config.dataDir);
  const printer = createReportPrinter();
  const signal = AbortSignal.timeout(longestMs);
  for await (const actor of actorsOf(service)) {
    const period = { from: from ?? actor.firstAt, to: to ?? clock.now() };
    if (actor.kind === 'human' || actor.firstAt >= period.to || actor.lastAt < period.from) continue;
    const question = { agent: actor.actor, period, sight: () => true, scope: 'all', signal } as const;
    const report = await buildReport({ activity: service, feed, integrity, clock }, question);
    const name = fileName(actor.actor);
    const about = { agent: actor.actor, from: period.from.toISOString(), to: period.to.toISOString() };
    const text = `${JSON.stringify(report, undefined, 2)}\n`;
    yield { name: `${name}.json`, text, ...about, format: 'json' };
    yield { name: `${name}.html`, text: await printer.html(report), ...about, format: 'html' };
  }
}

async function* actorsOf(service: ReturnType<typeof createActivity>['service']): AsyncGenerator<Actor> {
  for (let after = ''; ;) {
    const page = await service.actors(after, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.actor;
  }
}

/** A name that no two agents share: what is no plain letter is written as its code. */
function fileName(agent: string): string {
  return agent
    .replace(':', '-')
    .replaceAll(/[^A-Za-z0-9.-]/g, (sign) => `_${sign.codePointAt(0)?.toString(16) ?? ''}`)
    .slice(0, 110);
}
