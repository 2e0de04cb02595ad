// `forgeguard approvals`: lists requests for approval and decides about them, over the API of a running guard.
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { GuardError } from '../core/errors.ts';
import { approvalView, type ApprovalView } from '../server/api/approval-view.ts';
import { changesView } from '../server/api/changes-view.ts';
import { approvalText, changesText, listText } from './approval-text.ts';
import { exitCodeOf } from './failure.ts';
import { connectToGuard, type GuardClient, type GuardFlags } from './guard-client.ts';

interface CommonFlags extends GuardFlags {
  readonly format: 'text' | 'json';
}

interface ListFlags extends CommonFlags {
  readonly state: string;
  readonly all?: true;
  readonly repository?: string;
  readonly agent?: string;
  readonly review?: true;
  readonly quiet?: true;
  readonly limit: string;
}

interface DecisionFlags extends CommonFlags {
  readonly reason?: string;
  readonly comment?: string;
  readonly wait?: string;
}

/** The exit code where the guard did not accept the decision, or where what was waited for did not come about. */
const refused = 1;
const pageSize = 100;
const pollMs = 1_000;

const listAnswer = z.object({ approvals: z.array(approvalView), next: z.string().nullable() });

async function list(flags: ListFlags): Promise<void> {
  const limit = Number(flags.limit);
  if (!/^[0-9]{1,5}$/.test(flags.limit) || limit < 1)
    throw new GuardError('input/invalid', '--limit is a number from 1 on');
  const guard = await connectToGuard(flags);
  const query = new URLSearchParams({
    ...(flags.all === true || flags.review === true ? {} : { state: flags.state }),
    ...(flags.repository === undefined ? {} : { repository: flags.repository }),
    ...(flags.agent === undefined ? {} : { agent: flags.agent }),
    ...(flags.review === undefined ? {} : { review: 'open' }),
  });
  const found: ApprovalView[] = [];
  for (let next: string | null = ''; next !== null && found.length < limit;) {
    query.set('limit', String(Math.min(pageSize, limit - found.length)));
    if (next !== '') query.set('before', next);
    const page: z.output<typeof listAnswer> = await guard.call(listAnswer, `/approvals?${query.toString()}`);
    found.push(...page.approvals);
    next = page.next;
  }
  const text = flags.quiet === true ? found.map(({ id }) => `${id}\n`).join('') : listText(found, new Date());
  print(flags, found, text);
}

async function show(id: string, flags: CommonFlags & { readonly changes?: true }): Promise<void> {
  const guard = await connectToGuard(flags);
  const approval = await guard.call(approvalView, pathOf(id));
  if (flags.changes === undefined) {
    print(flags, approval, approvalText(approval, new Date()));
    return;
  }
  // Page by page, so that a large change is neither held nor waited for as a whole.
  const files: unknown[] = [];
  if (flags.format === 'text') process.stdout.write(`${approvalText(approval, new Date())}\n`);
  for (let after: string | null = ''; after !== null;) {
    const query = after === '' ? '' : `?${new URLSearchParams({ after }).toString()}`;
    const page: z.output<typeof changesView> = await guard.call(changesView, `${pathOf(id)}/changes${query}`);
    if (flags.format === 'text') process.stdout.write(changesText(page, after === ''));
    else files.push(...page.files);
    after = page.next;
  }
  if (flags.format === 'json') print(flags, { ...approval, changes: files }, '');
}

async function decide(name: string, id: string, body: object, flags: DecisionFlags): Promise<void> {
  const wait = flags.wait === undefined ? 0 : (parseDuration(flags.wait) ?? NaN);
  if (Number.isNaN(wait)) throw new GuardError('input/invalid', '--wait is a time span such as 30s or 5m');
  const guard = await connectToGuard(flags);
  let approval: ApprovalView;
  try {
    approval = await guard.call(approvalView, `${pathOf(id)}/${name}`, body);
    if (wait > 0) approval = await waitForEnd(guard, approval, wait);
  } catch (thrown) {
    if (!(thrown instanceof GuardError) || !isRefusal(thrown)) throw thrown;
    exitCodeOf(thrown);
    process.exitCode = refused;
    return;
  }
  print(flags, approval, approvalText(approval, new Date()));
  if (wait > 0 && approval.state !== 'applied') process.exitCode = refused;
}

function isRefusal({ code }: GuardError): boolean {
  return code.startsWith('approval/') || code === 'identity/forbidden';
}

/** Looks until nothing can change any more, or the time is over. */
async function waitForEnd(guard: GuardClient, first: ApprovalView, seconds: number): Promise<ApprovalView> {
  const until = performance.now() + seconds * 1000;
  let approval = first;
  while (!approval.isFinal && performance.now() < until) {
    await sleep(pollMs);
    approval = await guard.call(approvalView, pathOf(approval.id));
  }
  return approval;
}

function pathOf(id: string): string {
  return `/approvals/${encodeURIComponent(id)}`;
}

function print(flags: CommonFlags, value: unknown, text: string): void {
  process.stdout.write(flags.format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : text);
}

/** Adds `approvals` and what is below it to the program. */
export function registerApprovals(program: Command): void {
  const approvals = program
    .command('approvals')
    .description('list requests for approval and decide about them');
  const common = (command: Command): Command =>
    command
      .option('--url <url>', 'URL of the guard; else FORGEGUARD_URL, else the sandbox that runs here')
      .option(
        '--token-file <file>',
        'file with your guard token; else FORGEGUARD_TOKEN, else the sandbox reviewer’s',
      )
      .option('-c, --config <file>', 'configuration file, to find the sandbox by')
      .option('--dangerously-allow-plain-http', 'send the token over http to another machine')
      .addOption(new Option('--format <format>', 'output').choices(['text', 'json']).default('text'));
  const one = (name: string, description: string): Command =>
    common(approvals.command(name).description(description).argument('<id>', 'id of the request'));
  const waits = (command: Command): Command =>
    command.option(
      '--wait <span>',
      'wait up to this long, such as 60s, until it has landed or cannot any more',
    );

  common(approvals.command('list').description('list requests, newest first'))
    .option('--state <states>', 'only these, separated by commas', 'waiting')
    .option('--all', 'in every state')
    .option('--review', 'only those with an open review of a broken glass')
    .option('--repository <name>', 'only of this repository: forge/owner/repo')
    .option('--agent <id>', 'only of this agent')
    .option('-q, --quiet', 'only their ids, one a line')
    .option('--limit <count>', 'at most so many', '50')
    .action(list);
  one('show', 'show a request')
    .option('--changes', 'and what it would change, with values masked')
    .action(show);
  waits(one('approve', 'agree'))
    .option('--reason <text>', 'why')
    .action((id: string, flags: DecisionFlags) => decide('approve', id, reasonOf(flags), flags));
  one('deny', 'deny; this ends the request')
    .option('--reason <text>', 'why; the agent is shown it')
    .action((id: string, flags: DecisionFlags) => decide('deny', id, reasonOf(flags), flags));
  one('revoke', 'take your approval back, until the request is being applied').action(
    (id: string, flags: DecisionFlags) => decide('revoke', id, {}, flags),
  );
  one('cancel', 'withdraw a request of your own or of your agent')
    .option('--reason <text>', 'why')
    .action((id: string, flags: DecisionFlags) => decide('cancel', id, reasonOf(flags), flags));
  waits(one('break-glass', 'approve alone; alerts, and opens a review'))
    .requiredOption('--reason <text>', 'why it cannot wait; 20 characters or more')
    .action((id: string, flags: DecisionFlags) => decide('break-glass', id, reasonOf(flags), flags));
  one('close-review', 'close the review of a broken glass')
    .requiredOption('--comment <text>', 'what the review found')
    .action((id: string, flags: DecisionFlags) =>
      decide('close-review', id, { comment: flags.comment ?? '' }, flags),
    );
}

function reasonOf({ reason }: DecisionFlags): object {
  return reason === undefined ? {} : { reason };
}
