// An alert as a message.
import type { Alert } from '../../core/alert.ts';
import { plural } from '../../core/duration.ts';
import { type Message, plainName } from './message.ts';

function titleOf({ kind, actor, details }: Alert): string {
  const agent = plainName(actor);
  switch (kind) {
    case 'critical-finding':
      return `what ${agent} sent was blocked for ${plural(Number(details['criticalFindings']), 'critical finding')}`;
    case 'repeated-denials':
      return `${agent} was refused ${plural(Number(details['denials']), 'time')} within ${Number(details['withinSeconds'])} seconds`;
    case 'lockout':
      return `${plural(Number(details['failures']), 'credential')} of ${agent} failed, which has to wait now`;
    case 'new-issuer':
      return `${agent} was seen with a credential of a new issuer, ${plainName(JSON.stringify(details['issuer']))}`;
    case 'sink-failed':
      return `the audit log could not be sent to ${agent} (${plainName(JSON.stringify(details['problem']))}); it is tried again`;
  }
}

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
      { label: kind === 'sink-failed' ? 'Sink' : 'Agent', text: plainName(actor) },
      { label: 'Request', text: plainName(request) },
      { label: 'Time', text: at.toISOString() },
    ],
    sentences: [],
    url: null,
    repository,
    waitsSince: null,
    at,
    data: { alert: { id, kind, actor, repository, request, at: at.toISOString(), ...details } },
  };
}
