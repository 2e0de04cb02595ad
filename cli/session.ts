// `forgeguard session`: lists, shows and replays what agents did, over the API of a running guard; and plays recordings.
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { type ReplayStep, replayStepSchema } from '../core/activity/replay.ts';
import { GuardError } from '../core/errors.ts';
import { createActivity } from '../server/activity/part.ts';
import { attemptView, type AttemptView, sessionView, type SessionView } from '../server/api/session-view.ts';
import { createAuditFeed } from '../server/audit/feed.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { auditConfig, readerSealing } from './audit-source.ts';
import { guardOptions } from './guard-options.ts';
import { connectToGuard, type GuardClient, type GuardFlags } from './guard-client.ts';
import { playRecording } from './recording.ts';
import { attemptLine, sessionListText, sessionText, stepText } from './session-text.ts';

interface CommonFlags extends GuardFlags {
  readonly format: 'text' | 'json';
}

interface ListFlags extends CommonFlags {
  readonly agent?: string;
  readonly person?: string;
  readonly repository?: string;
  readonly from?: string;
  readonly to?: string;
  readonly state?: string;
  readonly limit: string;
}

const next = z.number().nullable();
const listAnswer = z.object({ sessions: z.array(sessionView), next });
const oneAnswer = z.object({ session: sessionView, attempts: z.array(attemptView), next });
const replayAnswer = z.object({ session: sessionView, steps: z.array(replayStepSchema), next });
const pageSize = 100;

async function list(flags: ListFlags): Promise<void> {
  const limit = Number(flags.limit);
  if (!/^[0-9]{1,5}$/.test(flags.limit) || limit < 1)
    throw new GuardError('input/invalid', '--limit is a number from 1 on');
  const guard = await connectToGuard(flags, 'adminToken');
  const query = new URLSearchParams();
  for (const name of ['agent', 'person', 'repository', 'from', 'to', 'state'] as const) {
    const value = flags[name];
    if (value !== undefined) query.set(name, value);
  }
  const found: SessionView[] = [];
  for (let cursor: number | null = Number.MAX_SAFE_INTEGER; cursor !== null && found.length < limit;) {
    query.set('limit', String(Math.min(pageSize, limit - found.length)));
    query.set('cursor', String(cursor));
    const page: z.output<typeof listAnswer> = await guard.call(listAnswer, `/sessions?${query.toString()}`);
    found.push(...page.sessions);
    cursor = page.next;
  }
  print(flags, found, sessionListText(found));
}

function pathOf(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}

async function show(id: string, flags: CommonFlags): Promise<void> {
  const guard = await connectToGuard(flags, 'adminToken');
  const attempts: AttemptView[] = [];
  let session: SessionView | undefined;
  for (let after: number | null = 0; after !== null;) {
    const query: string = session === undefined ? '' : `?after=${after}`;
    const page: z.output<typeof oneAnswer> = await guard.call(oneAnswer, `${pathOf(id)}${query}`);
    if (session === undefined && flags.format === 'text')
      process.stdout.write(`${sessionText(page.session)}\n`);
    session = page.session;
    if (flags.format === 'text') process.stdout.write(page.attempts.map(attemptLine).join(''));
    else attempts.push(...page.attempts);
    after = page.next;
  }
  if (flags.format === 'json') print(flags, { ...session, attempts }, '');
}

/** The pages of a replay, in order. */
async function* replayPages(guard: GuardClient, id: string): AsyncGenerator<z.output<typeof replayAnswer>> {
  for (let after: number | undefined | null; after !== null;) {
    const query: string = after === undefined ? '' : `?after=${after}`;
    const page: z.output<typeof replayAnswer> = await guard.call(
      replayAnswer,
      `${pathOf(id)}/replay${query}`,
    );
    yield page;
    after = page.next;
  }
}

/** No pause between two steps is longer, in milliseconds. */
const longestPauseMs = 5_000;

async function replay(id: string, flags: CommonFlags & { readonly speed: string }): Promise<void> {
  const speed = Number(flags.speed);
  if (flags.speed.trim() === '' || !(speed >= 0 && speed <= 10_000))
    throw new GuardError('input/invalid', '--speed is a number from 0 to 10000');
  if (id.endsWith('.cast')) {
    await playRecording(id, speed);
    return;
  }
  const guard = await connectToGuard(flags, 'adminToken');
  const steps: ReplayStep[] = [];
  let session: SessionView | undefined;
  let before: number | undefined;
  for await (const page of replayPages(guard, id)) {
    if (session === undefined && flags.format === 'text') process.stdout.write(sessionText(page.session));
    session = page.session;
    if (flags.format === 'json') steps.push(...page.steps);
    else
      for (const step of page.steps) {
        const at = Date.parse(step.at);
        if (speed > 0) await sleep(Math.min(longestPauseMs, Math.max(0, at - (before ?? at))) / speed);
        before = at;
        process.stdout.write(stepText(step));
      }
  }
  if (flags.format === 'json') print(flags, { session, steps }, '');
}

async function recording(id: string, request: string, flags: GuardFlags): Promise<void> {
  const guard = await connectToGuard(flags, 'adminToken');
  const lines = guard.download(`${pathOf(id)}/recordings/${encodeURIComponent(request)}`);
  await pipeline(lines, process.stdout, { end: false });
}

/** Makes the sessions anew out of the log; a guard that runs goes on with it. */
async function rebuild(flags: { readonly config?: string }): Promise<void> {
  const config = await auditConfig(flags.config);
  await withConfiguredDatabase(
    config,
    async (database) => {
      const activity = createActivity({
        database,
        feed: createAuditFeed(database, await readerSealing(config)),
        clock: { now: () => new Date() },
        onProblem: () => undefined,
      });
      const entries = await activity.rebuild();
      process.stdout.write(`read ${entries} entries\n`);
    },
    { migrate: false },
  );
}

function print(flags: CommonFlags, value: unknown, text: string): void {
  process.stdout.write(flags.format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : text);
}

/** Adds `session` and what is below it to the program. */
export function registerSession(program: Command): void {
  const session = program.command('session').description('list, show and replay what agents did');
  const common = (command: Command): Command =>
    guardOptions(command).addOption(
      new Option('--format <format>', 'output').choices(['text', 'json']).default('text'),
    );
  common(session.command('list').description('list sessions, newest first'))
    .option('--agent <id>', 'only of this agent')
    .option('--person <id>', 'only on behalf of this person')
    .option('--repository <name>', 'only with this repository: forge/owner/repo')
    .option('--from <time>', 'only those that went on then or later: a day (UTC) or a time')
    .option('--to <time>', 'only those that began before')
    .addOption(new Option('--state <state>', 'only these').choices(['active', 'waiting', 'ended']))
    .option('--limit <count>', 'at most so many', '50')
    .action(list);
  common(
    session
      .command('show')
      .description('show a session and its attempts')
      .argument('<id>', 'id of the session'),
  ).action(show);
  common(
    session
      .command('replay')
      .description(
        'show a session step by step: changes, decisions, approvals, outcomes; or play a recording',
      )
      .argument('<id>', 'id of the session, or a recording: FILE.cast'),
  )
    .option('--speed <factor>', 'so many times as fast as it was; 0 shows all at once', '0')
    .action(replay);
  guardOptions(
    session
      .command('recording')
      .description(
        'write the redacted log of a request as a recording, which `session replay FILE.cast` plays',
      )
      .argument('<id>', 'id of the session')
      .argument('<request>', 'id of the request, as the replay tells it'),
  ).action(recording);
  session
    .command('rebuild')
    .description('make the sessions anew out of the audit log; for after a restored database')
    .option('-c, --config <file>', 'configuration file')
    .action(rebuild);
}
