// Whether a rule matches an operation, and what of it: the conditions of `when` compiled to tests once. What is matched
// is attacker-controlled text; every test is linear in it.
import { severities } from '../../scanners/finding.ts';
import type { Finding } from '../../scanners/finding.ts';
import { compileGlobs, compileRepositoryGlobs, expandBraces } from '../glob.ts';
import type { Operation, PathChange, RefUpdate } from '../operation.ts';
import type {
  ActorCondition,
  FindingCondition,
  PathCondition,
  PathMode,
  SizeCondition,
  Subject,
  When,
} from '../policy.ts';
import type { Principal } from '../principal.ts';

/** Indexes into the operation's lists that a rule blames. */
export interface Blame {
  readonly refUpdates: readonly number[];
  readonly paths: readonly number[];
  readonly findings: readonly number[];
}

export type BareOperation = Omit<Operation, 'paths' | 'findings'>;

export interface RuleMatcher {
  /** True where the rule asks about changed paths and could match the operation. */
  readonly asksAboutPaths: (operation: BareOperation) => boolean;
  /** Indexes of the ref updates whose signatures the rule asks about, where it could match the operation. */
  readonly asksAboutSignatures: (operation: BareOperation) => readonly number[];
  /** What the rule blames, or undefined where it does not match. Findings for which `excused` is true do not count. */
  readonly match: (operation: Operation, excused: (finding: number) => boolean) => Blame | undefined;
}

type Test<T> = (value: T) => boolean;

/** Compiles the conditions of a rule. Throws `GlobError` where a pattern was not checked before. */
export function compileWhen(when: When): RuleMatcher {
  const applies = compileCircumstances(when);
  const refs = compileRefs(when);
  const paths = selectPaths(when);
  const findings = selection(when.findings, when.not?.findings, compileFinding);
  const signature = when.signature;
  const isSigned: Test<BareOperation> = ({ signatures }) =>
    signature === undefined || signatures?.some((state) => signature.includes(state)) === true;

  return {
    asksAboutSignatures: (operation) =>
      signature === undefined || !applies(operation) ? [] : (refs.select(operation.refUpdates) ?? []),
    asksAboutPaths: (operation) =>
      paths.isAsked && applies(operation) && refs.select(operation.refUpdates) !== undefined,
    match: (operation, excused) => {
      if (!applies(operation) || !isSigned(operation)) return undefined;
      const updates = refs.select(operation.refUpdates);
      if (updates === undefined) return undefined;
      const names = new Set(updates.map((index) => operation.refUpdates[index]?.ref));
      const isTied = refs.isAsked && updates.length > 0;
      const changed = paths.select(
        operation.paths,
        (index) => !isTied || names.has(operation.paths[index]?.ref),
      );
      if (changed === undefined) return undefined;
      const found = findings.select(operation.findings, (index) => !excused(index));
      if (found === undefined) return undefined;
      return {
        refUpdates: blamedUpdates(operation, updates, changed, refs.isAsked, paths.isAsked),
        paths: paths.isAsked ? changed : [],
        findings: findings.isAsked ? found : [],
      };
    },
  };
}

/** Ref updates are blamed where the rule asks about refs, or through the paths that it blames. */
function blamedUpdates(
  operation: Operation,
  updates: readonly number[],
  changed: readonly number[],
  asksRefs: boolean,
  asksPaths: boolean,
): readonly number[] {
  if (!asksPaths) return asksRefs ? updates : [];
  const names = new Set(changed.map((index) => operation.paths[index]?.ref));
  const withPaths = updates.filter((index) => names.has(operation.refUpdates[index]?.ref));
  return withPaths.length > 0 || !asksRefs ? withPaths : updates;
}

/** The conditions that hold or do not hold for the operation as a whole. */
function compileCircumstances(when: When): Test<BareOperation> {
  const wanted = compileWhole(when);
  const unwanted = compileWhole(when.not ?? {});
  const tests: Test<BareOperation>[] = [
    ...wanted,
    ...unwanted.map(
      (test): Test<BareOperation> =>
        (operation) =>
          !test(operation),
    ),
  ];
  const sizes = when.size?.map(compileSize);
  if (sizes !== undefined) tests.push((operation) => sizes.some((test) => test(operation)));
  if (when.authorMismatch !== undefined) {
    const expected = when.authorMismatch;
    tests.push((operation) => operation.foreignAuthors.length > 0 === expected);
  }
  if (when.mergeApproved !== undefined) {
    const expected = when.mergeApproved;
    tests.push(({ mergeApproved }) => mergeApproved === expected);
  }
  return (operation) => tests.every((test) => test(operation));
}

function compileWhole(subject: Subject): Test<BareOperation>[] {
  const { operation: kinds, actor, repository, environment } = subject;
  const tests: Test<BareOperation>[] = [];
  if (kinds !== undefined) tests.push(({ kind }) => kinds.includes(kind));
  if (actor !== undefined) {
    const actors = actor.map(compileActor);
    tests.push((operation) => actors.some((test) => test(operation.actor)));
  }
  if (repository !== undefined) {
    const matches = compileRepositoryGlobs(repository);
    tests.push((operation) => matches(operation.repository));
  }
  if (environment !== undefined) {
    const matches = compileGlobs(environment.map((pattern) => pattern.toLowerCase()));
    tests.push(({ environment: name }) => name !== undefined && matches(name.toLowerCase()));
  }
  return tests;
}

function compileActor(condition: ActorCondition): Test<Principal> {
  const { kind, groups } = condition;
  const id = condition.id && compileGlobs(condition.id);
  const onBehalfOf = condition.onBehalfOf && compileGlobs(condition.onBehalfOf);
  return (actor) =>
    (kind === undefined || kind.includes(actor.kind)) &&
    (id === undefined || id(actor.id)) &&
    (groups === undefined || groups.some((group) => actor.groups.includes(group))) &&
    (onBehalfOf === undefined || actor.onBehalfOf.some(onBehalfOf));
}

function compileSize(condition: SizeCondition): Test<BareOperation> {
  const { bytes = -1, objects = -1, commits = -1 } = condition;
  return ({ size }) => size.bytes > bytes && size.objects > objects && size.commits > commits;
}

interface Selection<T> {
  /** True where the rule has a condition on these. */
  readonly isAsked: boolean;
  /** Indexes that are left, or undefined where the rule does not match. */
  readonly select: (values: readonly T[], counts?: Test<number>) => readonly number[] | undefined;
}

/**
 * A condition picks values and `not` takes some away. Something must be left, with one exception: where only `not` is
 * given and the operation has nothing of the kind, nothing was taken away and the rule still matches.
 */
function selection<C, T>(
  wanted: readonly C[] | undefined,
  unwanted: readonly C[] | undefined,
  compile: (condition: C) => Test<T>,
): Selection<T> {
  return select(
    wanted?.map((condition) => ({ test: compile(condition), least: 1 })),
    unwanted?.map(compile),
  );
}

/** Conditions on paths, some of which match only where many paths do. */
function selectPaths(when: When): Selection<PathChange> {
  return select(
    mergePatterns(when.paths)?.map((condition) => ({
      test: compilePath(condition),
      least: condition.count ?? 1,
    })),
    mergePatterns(when.not?.paths)?.map(compilePath),
  );
}

interface Counted<T> {
  readonly test: Test<T>;
  /** How many values it must pick at least. */
  readonly least: number;
}

function select<T>(
  wanted: readonly Counted<T>[] | undefined,
  unwanted: readonly Test<T>[] | undefined,
): Selection<T> {
  const isAsked = wanted !== undefined || unwanted !== undefined;
  return {
    isAsked,
    select: (values, counts = () => true) => {
      if (!isAsked) return [...values.keys()];
      let considered = 0;
      const kept: number[] = [];
      for (const [index, value] of values.entries()) {
        if (!counts(index)) continue;
        considered++;
        if (!unwanted?.some((test) => test(value))) kept.push(index);
      }
      const left = wanted === undefined ? kept : pick(wanted, values, kept);
      const nothingTaken = wanted === undefined && considered === 0;
      return left.length > 0 || nothingTaken ? left : undefined;
    },
  };
}

/** What at least one of the conditions picks, in order; a condition that picks too few picks nothing. */
function pick<T>(
  wanted: readonly Counted<T>[],
  values: readonly T[],
  candidates: readonly number[],
): readonly number[] {
  const single = wanted.filter(({ least }) => least === 1).map(({ test }) => test);
  const found = wanted
    .filter(({ least }) => least > 1)
    .map(({ test, least }) => ({
      least,
      indexes: candidates.filter((index) => passes(test, values[index])),
    }));
  const many = new Set(found.flatMap(({ least, indexes }) => (indexes.length >= least ? indexes : [])));
  return candidates.filter((index) => many.has(index) || single.some((test) => passes(test, values[index])));
}

function passes<T>(test: Test<T>, value: T | undefined): boolean {
  return value !== undefined && test(value);
}

/** `ref` and `refUpdate` must hold for the same ref update. */
function compileRefs(when: When): Selection<RefUpdate> {
  const wanted = conjunction(refTests(when));
  const unwanted = refTests(when.not ?? {});
  return select(wanted && [{ test: wanted, least: 1 }], unwanted.length > 0 ? unwanted : undefined);
}

function conjunction<T>(tests: readonly Test<T>[]): Test<T> | undefined {
  return tests.length === 0 ? undefined : (value) => tests.every((test) => test(value));
}

function refTests({ ref, refUpdate }: Subject): readonly Test<RefUpdate>[] {
  const tests: Test<RefUpdate>[] = [];
  if (ref !== undefined) tests.push(compileRefPatterns(ref));
  if (refUpdate !== undefined) tests.push((update) => refUpdate.includes(update.kind));
  return tests;
}

/** `default-branch`, `*` and `**` (any ref), full names that begin with `refs/`; anything else names branches. */
function compileRefPatterns(patterns: readonly string[]): Test<RefUpdate> {
  const choices = patterns.flatMap(expandBraces);
  const anyRef = choices.some((choice) => choice === '*' || choice === '**');
  const defaultBranch = choices.includes('default-branch');
  const names = compileGlobs(
    choices
      .filter((choice) => choice !== 'default-branch')
      .map((choice) => (choice.startsWith('refs/') ? choice : `refs/heads/${choice}`)),
  );
  return (update) => anyRef || (defaultBranch && update.isDefaultBranch) || names(update.ref);
}

const modeNames: Readonly<Record<string, PathMode>> = {
  '100644': 'file',
  '100664': 'file',
  '100755': 'executable',
  '120000': 'symlink',
  '160000': 'submodule',
};

function isPlain({ change, mode, count }: PathCondition): boolean {
  return change === undefined && mode === undefined && count === undefined;
}

/** Conditions that are nothing but patterns become one, so that each path is taken apart once. */
function mergePatterns(
  conditions: readonly PathCondition[] | undefined,
): readonly PathCondition[] | undefined {
  if (conditions === undefined) return undefined;
  const patterns = conditions.filter(isPlain).flatMap(({ path }) => path ?? ['**']);
  const others = conditions.filter((condition) => !isPlain(condition));
  return patterns.length === 0 ? others : [{ path: patterns }, ...others];
}

function compilePath(condition: PathCondition): Test<PathChange> {
  const path = condition.path && compileGlobs(condition.path);
  const { change, mode } = condition;
  return (changed) => {
    const name = modeNames[changed.mode];
    return (
      (change === undefined || change.includes(changed.change)) &&
      (mode === undefined || (name !== undefined && mode.includes(name))) &&
      (path === undefined || path(changed.path))
    );
  };
}

function compileFinding(condition: FindingCondition): Test<Finding> {
  const { category, identifier, severity, confidence } = condition;
  const rule = condition.rule && compileGlobs(condition.rule);
  const path = condition.path && compileGlobs(condition.path);
  const leastSeverity = severity === undefined ? 0 : severities.indexOf(severity);
  return (finding) =>
    (category === undefined || category.includes(finding.category)) &&
    (identifier === undefined || identifier.includes(finding.identifier)) &&
    severities.indexOf(finding.severity) >= leastSeverity &&
    (confidence === undefined || finding.confidence >= confidence) &&
    (rule === undefined || rule(finding.rule)) &&
    (path === undefined || path(finding.path));
}
