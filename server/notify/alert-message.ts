// An alert as a message.
import type { Alert } from '../../core/alert.ts';
import type { Json } from '../../core/audit-event.ts';
import { plural } from '../../core/duration.ts';
import { sightLost } from '../../core/sight.ts';
import { exposureFacts, exposureTitle } from './exposure-message.ts';
import { type Message, plainName } from './message.ts';

function titleOf({ kind, actor, details }: Alert): string {
  const agent = plainName(actor);
  switch (kind) {
    case 'critical-finding':
      return `what ${agent} sent was blocked for ${plural(Number(details['criticalFindings']), 'critical finding')}`;
    case 'bypass':
      return `${agent} ${bypassTitle(details)}`;
    case 'repeated-denials':
      return `${agent} was refused ${plural(Number(details['denials']), 'time')} within ${Number(details['withinSeconds'])} seconds`;
    case 'lockout':
      return `${plural(Number(details['failures']), 'credential')} of ${agent} failed, which has to wait now`;
    case 'new-issuer':
      return `${agent} was seen with a credential of a new issuer, ${plainName(JSON.stringify(details['issuer']))}`;
    case 'sink-failed':
      return `the audit log could not be sent to ${agent} (${plainName(JSON.stringify(details['problem']))}); it is tried again`;
    case 'exposure':
      return exposureTitle(agent, details);
    case 'repository-moved':
      return `${agent} was ${textOf(details['change'])} and is ${plainName(textOf(details['to']))} now; what names the old name fails`;
    case 'repository-unwatched':
      return `the guard no longer sees it: ${sightLost(textOf(details['cause']), details['by'] === null ? null : agent)}`;
  }
}

const bypassActs: Readonly<Record<string, string>> = {
  push: 'pushed around the guard',
  'unchecked-merge': 'merged what no check of the guard let pass',
  'differing-merge': 'merged something else than the guard let pass',
};

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

function bypassTitle(details: Alert['details']): string {
  if (details['how'] === 'unlisted')
    return `cannot compare ${plural(Number(details['updates']), 'ref update')} of a push of its own with what landed: the list is gone`;
  const act = bypassActs[textOf(details['how'])] ?? 'pushed around the guard';
  const count = Number(details['findingCount']);
  const found =
    details['problem'] === undefined
      ? count === 0
        ? ''
        : `, with ${plural(count, 'finding')}`
      : ', unscanned';
  return `${act} to ${plainName(textOf(details['ref']))}${found}`;
}

const subjects: Readonly<Partial<Record<Alert['kind'], string>>> = {
  'sink-failed': 'Sink',
  bypass: 'Who',
  'repository-moved': 'Old name',
  'repository-unwatched': 'Who',
};

/** The message; of values it tells the number alone. */
export function alertMessage(alert: Alert): Message {
  const { id, kind, actor, repository, request, at, details } = alert;
  const where = repository === null ? '' : `${plainName(repository)}: `;
  return {
    id: `alert-${id}`,
    topic: kind,
    thread: `alert-${id}`,
    title: `Alert: ${where}${titleOf(alert)}`,
    facts: [
      ...(repository === null ? [] : [{ label: 'Repository', text: plainName(repository) }]),
      { label: subjects[kind] ?? 'Agent', text: plainName(actor) },
      { label: 'Request', text: plainName(request) },
      { label: 'Time', text: at.toISOString() },
      ...(kind === 'exposure' ? exposureFacts(details) : []),
    ],
    sentences: [],
    url: null,
    repository,
    waitsSince: null,
    at,
    data: { alert: { id, kind, actor, repository, request, at: at.toISOString(), ...details } },
  };
}
