// Standards of the HIPAA Security Rule, each with what the record holds about it and what nobody but the customer can do.
// The record is evidence for a review; it decides nothing about what an organisation has to do or has done.
import type { Report, Safeguard } from './schema.ts';

type Facts = Pick<Report, 'agent' | 'summary' | 'integrity' | 'approvals' | 'policies' | 'anomalies'>;

interface Row {
  readonly citation: string;
  readonly title: string;
  readonly evidence: (facts: Facts) => readonly string[];
  readonly duty: string;
}

const rows: readonly Row[] = [
  {
    citation: '45 CFR 164.308(a)(1)(ii)(D)',
    title: 'Information system activity review',
    evidence: ({ summary, anomalies }) => [
      `This report: ${counted(summary.attempts, 'attempt')} in ${counted(summary.sessions, 'session')}, ${summary.refused} refused, ${summary.held} held for people; ${counted(anomalies.length, 'anomaly', 'anomalies')}, with the numbers.`,
      'Who has read the log, replayed a session or made a report is in the log itself.',
    ],
    duty: 'Review such reports regularly, decide what each anomaly means, act on it, and keep a record of the review and of who made it.',
  },
  {
    citation: '45 CFR 164.312(a)(1)',
    title: 'Access control',
    evidence: ({ summary, policies, approvals }) => [
      ...aroundOf(summary),
      `Every attempt was decided by a policy before anything reached the forge; ${counted(policies.length, 'text', 'texts')} of the policy in force, named by SHA-256 and kept in the log.`,
      `${counted(summary.held, 'attempt')} waited for people; ${counted(approvals.length, 'request')} listed with who decided and why.`,
    ],
    duty: 'Decide who and what may have access to systems with ePHI, write the policy accordingly, and see that agents cannot reach the forge around the guard.',
  },
  {
    citation: '45 CFR 164.312(a)(2)(i)',
    title: 'Unique user identification',
    evidence: ({ agent }) => [
      `Every entry names ${agent.id}, the credential that was shown and how it was proved; it acted for ${listed(agent.people, 'nobody who is named')}; ${listed(agent.owners, 'nobody who is named')} answered for its credentials.`,
    ],
    duty: 'Give each agent and person an identity of their own, do not share credentials, and remove those that are not needed any more.',
  },
  {
    citation: '45 CFR 164.312(b)',
    title: 'Audit controls',
    evidence: ({ integrity }) => [
      `An append-only log of ${integrity.size} entries; an entry is durable and signed before what it tells of takes effect, and where the log cannot be written the guard refuses to work.`,
      'Which actions are recorded is listed in the documentation of the audit log.',
    ],
    duty: 'Record and examine activity also in the systems that this guard does not see, and keep the clocks right.',
  },
  {
    citation: '45 CFR 164.312(c)(1)',
    title: 'Integrity',
    evidence: ({ integrity }) => [
      `Entries are leaves of a Merkle tree (RFC 6962); its root at ${integrity.size} entries is signed by key ${integrity.keyId}.`,
      integrity.cosigned === null
        ? 'No witness has cosigned a checkpoint.'
        : `${integrity.cosigned.by.join(', ')} cosigned the checkpoint of ${integrity.cosigned.size} entries.`,
      'What a push changed is kept masked, and its SHA-256 is in the log.',
    ],
    duty: 'Keep the verifier key and checkpoints where the operators of the guard cannot change them, verify the log regularly, and protect ePHI itself from improper change.',
  },
  {
    citation: '45 CFR 164.312(d)',
    title: 'Person or entity authentication',
    evidence: ({ agent }) => [
      `The agent proved its identity by credentials of ${listed(agent.issuers, 'no issuer that is named')}; refused credentials and the life of tokens are in the log.`,
    ],
    duty: 'See that whoever issues identities verifies who gets them, and that secrets are kept from others.',
  },
  {
    citation: '45 CFR 164.312(e)(1)',
    title: 'Transmission security',
    evidence: ({ summary }) => [
      ...aroundOf(summary),
      `What was sent through the guard was scanned before it was passed on: ${counted(summary.findings, 'finding')}, ${summary.criticalFindings} of them critical and denied; ${counted(summary.refused, 'attempt')} did not reach the forge.`,
      'Settings that weaken a protection, such as plain HTTP, are in the log at every start.',
    ],
    duty: 'Use TLS on every way to and from the guard, and guard the ways on which ePHI is sent that do not lead through it.',
  },
  {
    citation: '45 CFR 164.316(b)(2)(i)',
    title: 'Time limit: six years',
    evidence: () => [
      'Entries, checkpoints and policies are kept; an evidence pack can be taken out and verified without the guard.',
    ],
    duty: 'Set the retention to six years at least where the record belongs to the required documentation, back it up, and keep it readable for that time.',
  },
];

/** What is not true of everything the agent did. */
function aroundOf({ bypasses, bypassFindings }: Facts['summary']): readonly string[] {
  if (bypasses === 0) return [];
  const pushes = `${bypasses} ${bypasses === 1 ? 'push' : 'pushes'}`;
  return [
    `${pushes} went around the guard: listed with who and what, decided by nobody before, and scanned only afterwards, with ${counted(bypassFindings, 'finding')}.`,
  ];
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function listed(names: readonly string[], none: string): string {
  return names.length === 0 ? none : names.join(', ');
}

/** The table for one report. */
export function safeguardsOf(facts: Facts): Safeguard[] {
  return rows.map(({ citation, title, evidence, duty }) => ({
    citation,
    title,
    evidence: [...evidence(facts)],
    duty,
  }));
}
