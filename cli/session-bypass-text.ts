// A push around the guard, as a replay on a terminal tells it. Names come from outside; values are masked.
import type { Attribution } from '../core/activity/bypass.ts';
import type { BypassStep } from '../core/activity/replay.ts';

const bases: Readonly<Record<Attribution['by'], string>> = {
  agents: 'the configuration says which agent the account is',
  people: 'the configuration says who the account is',
  bot: 'GitHub says that the account is an App',
  login: 'by the name of the account alone',
  'own-app': 'the App of the guard, but not the guard: its key or a token was stolen',
  nobody: 'nobody is known',
};

const doubts: Readonly<Record<Attribution['doubts'][number], string>> = {
  'deploy-key': 'a deploy key was used at about that time, and GitHub names a person in place of it',
  'deploy-keys-unread':
    'it could not be read whether a deploy key was used, in place of which GitHub names a person',
  pusher: 'GitHub calls whoever pushed otherwise',
  'not-recorded': 'what it rests on was not recorded',
};

const scans: Readonly<Record<BypassStep['scan'], string>> = {
  done: 'looked at afterwards',
  failed: 'could not be looked at',
  open: 'is being looked at',
  none: 'a deletion brings nothing',
};

const short = (oid: string | null): string =>
  oid === null ? 'not known' : /^0+$/.test(oid) ? 'nothing' : oid.slice(0, 12);

/** What stands above the step. */
export function bypassTitle({ repository }: BypassStep): string {
  return `push AROUND THE GUARD to ${repository ?? 'nothing'}`;
}

/** The step's lines. */
export function bypassLines(step: BypassStep): readonly string[] {
  const { by, certainty, doubts: against } = step.attribution;
  return [
    `  ref       ${step.ref ?? 'not known'}  ${short(step.old)} → ${short(step.new)}  ${step.change ?? ''}`,
    `  account   ${step.account ?? 'GitHub names none'}`,
    `  who       ${certainty}: ${bases[by]}`,
    ...against.map((doubt) => `            but ${doubts[doubt]}`),
    `  noticed   by a ${step.found}; ${step.how}`,
    `  scan      ${scans[step.scan]}${step.why === null ? '' : `: ${step.why}`}`,
    ...step.decisions.flatMap(({ verdict, rules, policyDigest }) => [
      `  policy    would have said ${verdict} (${policyDigest.slice(0, 12)})`,
      ...rules.map(({ rule, action }) => `            ${action} by ${rule}`),
    ]),
    ...step.findings.map(
      ({ rule, path, line, column, masked }) => `  found     ${rule}  ${path}:${line}:${column}  ${masked}`,
    ),
    ...(step.findingCount > step.findings.length ? [`  found     ${step.findingCount} in all`] : []),
  ];
}
