// Tells a policy in sentences, for those who must live with it.
import { formatByteSize } from '../byte-size.ts';
import { formatDuration, plural } from '../duration.ts';
import type {
  ActorCondition,
  FindingCondition,
  PathCondition,
  PolicyException,
  PolicyRule,
  SizeCondition,
  Subject,
  Then,
} from '../policy.ts';

/** One sentence: what the rule does and when. */
export function explainRule(rule: PolicyRule): string {
  const { when } = rule;
  const conditions = [
    ...explainSubject(when),
    ...told(when.size, (sizes) => `it has ${anyOf(sizes.map(explainSize))}`),
    ...told(when.authorMismatch, (is) =>
      is ? 'some author is a stranger to the actor' : 'no author is a stranger',
    ),
    ...told(when.mergeApproved, (is) =>
      is ? 'the merge of its commit was approved' : 'the merge of its commit was not approved',
    ),
    ...told(when.signature, (list) => `the signature of some commit or tag is ${anyOf(list)}`),
  ];
  const mode = rule.monitor ? 'would (in monitor mode: recorded and told only) ' : '';
  const verb = rule.monitor ? explainThen(rule.then) : thirdPerson(rule.then);
  const scope = conditions.length === 0 ? 'everything' : `where ${conditions.join(', and ')}`;
  return `${mode}${verb} ${[scope, ...explainTakenAway(when.not ?? {})].join('; except ')}.`;
}

/** One sentence: what the exception excuses, until when, and who answers for it. */
export function explainException(exception: PolicyException): string {
  const conditions = [
    ...told(exception.fingerprint, (list) => `its fingerprint is ${anyOf(list)}`),
    ...told(exception.path, (list) => `its path matches ${anyOf(list)}`),
    ...told(exception.rule, (list) => `its rule matches ${anyOf(list)}`),
    ...told(exception.repository, (list) => `the repository matches ${anyOf(list)}`),
  ];
  const until = exception.expires.toISOString().slice(0, 16);
  return `excuses a finding where ${conditions.join(', and ')}, until ${until}Z; ${exception.owner}: ${exception.reason}`;
}

function told<T>(value: T | undefined, tell: (value: T) => string): readonly string[] {
  return value === undefined ? [] : [tell(value)];
}

function anyOf(words: readonly string[]): string {
  return words.length <= 1 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}

function explainThen(then: Then): string {
  if (then.kind !== 'hold') return then.kind;
  const { approvers, count, expires, escalate } = then;
  const also = told(
    escalate,
    ({ to, after }) => `, after ${formatDuration(after)} also by ${anyOf(to)},`,
  ).join('');
  return `hold for ${plural(count, 'approval')} by ${anyOf(approvers)}${also} within ${formatDuration(expires)}`;
}

function thirdPerson(then: Then): string {
  return explainThen(then).replace(/^\w+/, (verb) => (verb === 'deny' ? 'denies' : `${verb}s`));
}

function explainSubject(subject: Subject): readonly string[] {
  return [
    ...told(subject.operation, (list) => `the operation is ${anyOf(list)}`),
    ...told(subject.actor, (list) => `the actor is ${anyOf(list.map(explainActor))}`),
    ...told(subject.repository, (list) => `the repository matches ${anyOf(list)}`),
    ...told(subject.refUpdate, (list) => `a ref update is ${anyOf(list)}`),
    ...told(
      subject.ref,
      (list) => `${subject.refUpdate === undefined ? 'a ref' : 'that ref'} matches ${anyOf(list)}`,
    ),
    ...told(subject.paths, (list) => `a changed path is ${anyOf(list.map(explainPath))}`),
    ...told(subject.findings, (list) => `there is a finding with ${anyOf(list.map(explainFinding))}`),
    ...told(subject.environment, (list) => `the environment matches ${anyOf(list)}`),
  ];
}

function explainTakenAway(subject: Subject): readonly string[] {
  return [
    ...told(subject.operation, (list) => `the operation ${anyOf(list)}`),
    ...told(subject.actor, (list) => `an actor ${anyOf(list.map(explainActor))}`),
    ...told(subject.repository, (list) => `repositories that match ${anyOf(list)}`),
    ...told(subject.refUpdate, (list) => `a ref update that is ${anyOf(list)}`),
    ...told(subject.ref, (list) => `refs that match ${anyOf(list)}`),
    ...told(subject.paths, (list) => `paths that are ${anyOf(list.map(explainPath))}`),
    ...told(subject.findings, (list) => `findings with ${anyOf(list.map(explainFinding))}`),
    ...told(subject.environment, (list) => `environments that match ${anyOf(list)}`),
  ];
}

function joined(parts: readonly string[], empty: string): string {
  return parts.length === 0 ? empty : parts.join(' and ');
}

function explainActor(actor: ActorCondition): string {
  return joined(
    [
      ...told(actor.kind, (list) => `of kind ${anyOf(list)}`),
      ...told(actor.id, (list) => `one whose id matches ${anyOf(list)}`),
      ...told(actor.groups, (list) => `in the group ${anyOf(list)}`),
      ...told(actor.onBehalfOf, (list) => `acting for ${anyOf(list)}`),
    ],
    'anyone',
  );
}

function explainPath(path: PathCondition): string {
  return joined(
    [
      ...told(path.path, anyOf),
      ...told(path.change, (list) => `changed by ${anyOf(list)}`),
      ...told(path.mode, (list) => `now a ${anyOf(list)}`),
    ],
    'any',
  );
}

function explainFinding(finding: FindingCondition): string {
  return joined(
    [
      ...told(finding.category, (list) => `category ${anyOf(list)}`),
      ...told(finding.rule, (list) => `rule ${anyOf(list)}`),
      ...told(finding.identifier, (list) => `identifier ${anyOf(list)}`),
      ...told(finding.path, (list) => `path ${anyOf(list)}`),
      ...told(finding.severity, (least) => `severity ${least} or graver`),
      ...told(finding.confidence, (least) => `confidence ${least} or more`),
    ],
    'any content',
  );
}

function explainSize(size: SizeCondition): string {
  return joined(
    [
      ...told(size.bytes, (bytes) => `more than ${formatByteSize(bytes)}`),
      ...told(size.objects, (count) => `more than ${plural(count, 'object')}`),
      ...told(size.commits, (count) => `more than ${plural(count, 'commit')}`),
    ],
    'any size',
  );
}
