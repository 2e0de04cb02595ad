// What the client of a push is told: one block for people and agents, or the same as one line of JSON. Shows places,
// masked forms and what to do; never a value.
import { formatDuration } from '../../core/duration.ts';
import type { HeldRequest } from '../../core/services.ts';
import type { ApprovalRequirement, Reason, Verdict } from '../../core/verdict.ts';
import type { LocatedFinding } from './located-finding.ts';
import { plainText } from './plain-text.ts';
import { howToRewrite } from './rewrite-advice.ts';

export interface Answer {
  readonly request: string;
  readonly verdict: Verdict;
  readonly findings: readonly LocatedFinding[];
  /** Refs as the client knows them, by index of the operation's ref updates. */
  readonly refs: readonly string[];
  /** New values of the refs, in the same order. */
  readonly tips: readonly string[];
  /** At most this many findings are listed. */
  readonly listed: number;
}

const verdictWords: Readonly<Record<Verdict['kind'], string>> = {
  allow: 'accepted',
  redact: 'refused',
  hold: 'refused because it needs an approval',
  deny: 'refused',
};

/** Findings that made the push fail, the gravest first; each value once for each place. */
export function blamedFindings(answer: Pick<Answer, 'verdict' | 'findings'>): readonly LocatedFinding[] {
  const blamed = new Set(answer.verdict.reasons.flatMap((reason) => reason.findings));
  return order([...blamed].map((index) => answer.findings[index]).filter((found) => found !== undefined));
}

function warnedFindings(answer: Pick<Answer, 'verdict' | 'findings'>): readonly LocatedFinding[] {
  const warned = new Set(answer.verdict.monitored.flatMap((reason) => reason.findings));
  return order([...warned].map((index) => answer.findings[index]).filter((found) => found !== undefined));
}

const ranks: Readonly<Record<string, number>> = { critical: 0, high: 1, medium: 2, low: 3 };

function order(findings: readonly LocatedFinding[]): readonly LocatedFinding[] {
  return findings.toSorted(
    (left, right) =>
      (ranks[left.finding.severity] ?? 4) - (ranks[right.finding.severity] ?? 4) ||
      right.finding.confidence - left.finding.confidence,
  );
}

/** The short reason on a ref's `ng` line. */
export function ngMessage(answer: Answer, refUpdate: number): string {
  const own = answer.verdict.reasons.filter(
    (reason) => reason.refUpdates.length === 0 || reason.refUpdates.includes(refUpdate),
  );
  const [first, ...others] = own.length > 0 ? own : answer.verdict.reasons;
  const more = others.length > 0 ? ` +${others.length} more` : '';
  const words = own.length > 0 ? verdictWords[answer.verdict.kind] : 'refused with the other refs';
  return `${words}: ${first?.rule ?? 'policy'}${more} (request ${answer.request})`;
}

/** The block for the side band; empty where there is nothing to say. */
export function refusalText(answer: Answer): string {
  const lines = answer.verdict.kind === 'allow' ? warningLines(answer) : refusalLines(answer);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function refusalLines(answer: Answer): readonly string[] {
  const blamed = blamedFindings(answer);
  return [
    '',
    `forgeguard: this push was ${verdictWords[answer.verdict.kind]}. Nothing of it reached the upstream.`,
    `request: ${answer.request}`,
    ...whyLines(answer, blamed),
    ...(blamed.length === 0 ? [] : ['', 'how to go on:', ...howToRewrite(blamed, answer.tips)]),
    ...warningLines(answer),
    '',
  ];
}

function whyLines(answer: Answer, blamed: readonly LocatedFinding[]): readonly string[] {
  return [
    '',
    'why:',
    ...answer.verdict.reasons.flatMap((reason) => reasonLines(reason)),
    ...(blamed.length === 0 ? [] : ['', 'findings:']),
    ...blamed.slice(0, answer.listed).flatMap((found, index) => findingLines(found, index + 1)),
    ...(blamed.length > answer.listed ? [`  … and ${blamed.length - answer.listed} more`] : []),
  ];
}

/** The block for a push that waits for people; `waitSeconds` is how long this connection stays for it. */
export function holdText(answer: Answer, held: HeldRequest, waitSeconds: number): string {
  const lines = [
    '',
    'forgeguard: this push is held for approval. Nothing of it has reached the upstream yet.',
    `request: ${answer.request}`,
    `approval: ${held.url}`,
    ...answer.verdict.approvals.map((requirement) => `approvers: ${requirementText(requirement)}`),
    `expires: ${held.expiresAt.toISOString().slice(0, 16)}Z`,
    ...whyLines(answer, blamedFindings(answer)),
    '',
    'how to go on:',
    '  Do not push again: once it is approved, the guard lands exactly these commits by itself.',
    waitSeconds > 0
      ? `  This push waits for up to ${waitSeconds} seconds; to stop waiting changes nothing.`
      : '  To wait for the decision in the push: -o forgeguard.wait=SECONDS',
    ...warningLines(answer),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

/** A requirement in words. */
export function requirementText({
  approvers,
  count,
  escalate,
}: Pick<ApprovalRequirement, 'approvers' | 'count' | 'escalate'>): string {
  const names = (list: readonly string[]): string => list.map((name) => plainText(name, 100)).join(', ');
  const also =
    escalate === undefined ? '' : `; after ${formatDuration(escalate.after)} also ${names(escalate.to)}`;
  return `${count} of ${names(approvers)}${also}`;
}

/** The same as one line of JSON. */
export function holdJson(answer: Answer, held: HeldRequest): string {
  const { id, url, expiresAt } = held;
  return jsonLine({
    ...answerJson(answer),
    approval: {
      id,
      url,
      state: 'waiting',
      expiresAt: expiresAt.toISOString(),
      requirements: answer.verdict.approvals,
    },
    remedy: ['Do not push again: once it is approved, the guard lands exactly these commits by itself.'],
  });
}

function reasonLines(reason: Reason, weight: string = reason.action): readonly string[] {
  return [`  ${reason.rule} (${weight}): ${plainText(reason.message, 600)}`];
}

function findingLines(found: LocatedFinding, number: number): readonly string[] {
  const { finding } = found;
  const shown = finding.masked === '' ? '' : `  ${plainText(finding.masked, 80)}`;
  return [
    `  ${number}. ${finding.rule} [${finding.identifier}, ${finding.severity}]  ${where(found)}${shown}`,
    `     ${plainText(finding.message, 300)}`,
  ];
}

function where(found: LocatedFinding): string {
  const { finding, commit, place } = found;
  const position = `:${finding.line}:${finding.column}`;
  const spot =
    place === 'file' || place === 'note'
      ? `${plainText(finding.path)}${position}`
      : place === 'path name'
        ? `path name ${plainText(finding.path)}`
        : `${place}${position}`;
  return commit === undefined ? spot : `commit ${commit.slice(0, 12)}  ${spot}`;
}

function warningLines(answer: Answer): readonly string[] {
  const { monitored } = answer.verdict;
  if (monitored.length === 0) return [];
  const warned = warnedFindings(answer);
  return [
    '',
    `forgeguard: please look at this; it did not decide this push (request ${answer.request}):`,
    ...monitored.flatMap((reason) => reasonLines(reason, 'monitored')),
    ...warned.slice(0, answer.listed).flatMap((found, index) => findingLines(found, index + 1)),
    ...(warned.length > answer.listed ? [`  … and ${warned.length - answer.listed} more`] : []),
  ];
}

/** The same as one line of JSON, for `-o forgeguard.format=json`. */
export function refusalJson(answer: Answer): string {
  return jsonLine(answerJson(answer));
}

function jsonLine(body: object): string {
  return `${JSON.stringify(body).replaceAll(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

function answerJson(answer: Answer): object {
  const blamed = blamedFindings(answer);
  const warned = warnedFindings(answer);
  const listed = (findings: readonly LocatedFinding[]): readonly object[] =>
    findings.slice(0, answer.listed).map(findingJson);
  return {
    version: 1,
    request: answer.request,
    verdict: answer.verdict.kind,
    landed: answer.verdict.kind === 'allow' ? 'see report' : false,
    policyDigest: answer.verdict.policyDigest,
    reasons: answer.verdict.reasons.map((reason) => reasonJson(reason, answer.refs)),
    monitored: answer.verdict.monitored.map((reason) => reasonJson(reason, answer.refs)),
    findings: listed(blamed),
    moreFindings: Math.max(0, blamed.length - answer.listed),
    warnings: listed(warned),
    moreWarnings: Math.max(0, warned.length - answer.listed),
    remedy: blamed.length === 0 ? [] : howToRewrite(blamed, answer.tips).map((line) => line.trim()),
  };
}

function reasonJson(reason: Reason, refs: readonly string[]): object {
  return {
    rule: reason.rule,
    action: reason.action,
    message: reason.message,
    refs: reason.refUpdates.map((index) => refs[index]),
  };
}

function findingJson(found: LocatedFinding): object {
  const {
    rule,
    category,
    identifier,
    severity,
    confidence,
    path,
    line,
    column,
    endLine,
    endColumn,
    masked,
    fingerprint,
    message,
  } = found.finding;
  return {
    rule,
    category,
    identifier,
    severity,
    confidence,
    place: found.place,
    commit: found.commit ?? null,
    path,
    line,
    column,
    endLine,
    endColumn,
    masked,
    fingerprint,
    message,
  };
}
