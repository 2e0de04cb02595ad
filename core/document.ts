// From a text that a person wrote to checked data: all problems at once, each with its line, column and remedy.
import type { z } from 'zod';
import { GuardError } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import { nearestName } from './nearest-name.ts';
import { readYaml } from './yaml.ts';
import type { Place, Problem, ValuePath, YamlDocument } from './yaml.ts';

const mostProblems = 50;

/** Names that users know from elsewhere, and what they are called here. */
const synonyms: Readonly<Record<string, string>> = {
  action: 'then',
  agent: 'actor',
  branch: 'ref',
  branches: 'ref',
  event: 'operation',
  expiry: 'expires',
  file: 'paths',
  files: 'paths',
  if: 'when',
  match: 'when',
  name: 'id',
  policy: 'policyFile',
  port: 'listen',
  refs: 'ref',
  repo: 'repository',
  repos: 'repositories',
  tags: 'ref',
  user: 'actor',
};

export interface DocumentSource {
  /** How the text is called in messages: a file name. */
  readonly name: string;
  /** The code of the error that is thrown. */
  readonly code: ErrorCode;
}

export interface OpenDocument<T> {
  readonly data: T;
  /** Where the value at the path, or its nearest surrounding one, stands. */
  readonly placeOf: (path: ValuePath) => Place;
}

/** Reads `text` as YAML or JSON and checks it with `schema`. Throws `GuardError` with every problem found. */
export function openDocument<T>(schema: z.ZodType<T>, text: string, source: DocumentSource): OpenDocument<T> {
  const reading = readYaml(text);
  if (reading.kind === 'problems') throw invalidDocument(source, reading.problems);
  const result = schema.safeParse(reading.value);
  if (result.success) return { data: result.data, placeOf: reading.placeOf };
  throw invalidDocument(source, describeIssues(result.error.issues, reading));
}

/** As `openDocument`, for those who need the data only. */
export function readDocument<T>(schema: z.ZodType<T>, text: string, source: DocumentSource): T {
  return openDocument(schema, text, source).data;
}

/** The error that lists problems in the order of the text, each with the name of the text, line and column. */
export function invalidDocument(source: DocumentSource, problems: readonly Problem[]): GuardError {
  const lines = problems
    .toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
    .slice(0, mostProblems)
    .map(({ place, message }) => `${source.name}:${place.line}:${place.column}: ${message}`);
  if (problems.length > mostProblems) lines.push(`… and ${problems.length - mostProblems} more`);
  return new GuardError(source.code, lines.join('\n'));
}

type Issue = z.core.$ZodIssue;

function describeIssues(issues: readonly Issue[], document: YamlDocument): readonly Problem[] {
  return issues
    .flatMap((issue) => resolveUnion(issue, []))
    .flatMap((issue) => describeIssue(issue, document));
}

/** Replaces a failed union by the issues of the alternative that the user most probably meant. */
function resolveUnion(issue: Issue, above: ValuePath): readonly Issue[] {
  const path = [...above, ...plainPath(issue)];
  if (issue.code !== 'invalid_union') return [{ ...issue, path }];
  const ofThisType = issue.errors.filter((branch) => !branch.some((inner) => isAbout(inner, 'invalid_type')));
  const ofThisKind = ofThisType.filter((branch) => !branch.some((inner) => isAbout(inner, 'invalid_value')));
  const candidates = ofThisKind.length === 0 && ofThisType.length === 1 ? ofThisType : ofThisKind;
  const [likeliest] = candidates.toSorted((a, b) => a.length - b.length);
  if (likeliest === undefined) return [{ ...issue, path }];
  return likeliest.flatMap((inner) => resolveUnion(inner, path));
}

/** True where the issue is about the value itself, not about something in it. */
function isAbout(issue: Issue, code: Issue['code']): boolean {
  return issue.path.length === 0 && issue.code === code;
}

function plainPath(issue: Issue): (string | number)[] {
  return issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

function describeIssue(issue: Issue, document: YamlDocument): readonly Problem[] {
  const path = existingPath(plainPath(issue), document.value);
  const where = path.length === 0 ? '' : ` at ${formatPath(path)}`;
  if (issue.code === 'unrecognized_keys') {
    // `closed` puts the known keys into the message.
    const known = issue.message.split(' ');
    return issue.keys.map((key) => ({
      place: document.placeOfKey(path, key),
      message: `unknown key \`${printable(key)}\`${where}; ${suggestKey(key, known)}`,
    }));
  }
  const missing = missingKey(plainPath(issue), document.value);
  if (missing !== undefined) {
    return [{ place: document.placeOf(path), message: `the key \`${missing}\` is missing${where}` }];
  }
  const value = valueAt(document.value, path);
  return [{ place: document.placeOf(path), message: `${describeValue(issue, value)}${where}` }];
}

function suggestKey(typed: string, known: readonly string[]): string {
  const foreign = Object.keys(synonyms).filter((name) => known.includes(synonyms[name] ?? ''));
  const nearest = nearestName(typed, [...known, ...foreign]);
  const meant = nearest === undefined || known.includes(nearest) ? nearest : synonyms[nearest];
  return meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean \`${meant}\`?`;
}

function describeValue(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const hint = issue.expected === 'string' && typeof value === 'number' ? '; put it in quotes' : '';
      return `expected ${expectedNames[issue.expected] ?? issue.expected}, but this is ${typeName(value)}${hint}`;
    }
    case 'invalid_value': {
      const options = issue.values.map(String);
      const nearest = typeof value === 'string' ? nearestName(value, options) : undefined;
      const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
      return `expected ${options.length === 1 ? '' : 'one of '}${options.join(', ')}${hint}`;
    }
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at least ${issue.minimum}`
        : 'must not be empty';
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at most ${issue.maximum}`
        : `must not be longer than ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const expectedNames: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a mapping',
  string: 'a text',
};

function typeName(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'object') return 'a mapping';
  return `a ${typeof value}`;
}

/** The part of the path that the document has; a single value may stand for a list of one. */
function existingPath(path: ValuePath, root: unknown): ValuePath {
  let length = path.length;
  while (length > 0 && valueAt(root, path.slice(0, length)) === undefined) length--;
  return path.slice(0, length);
}

function missingKey(path: ValuePath, root: unknown): string | undefined {
  const last = path.at(-1);
  const parent = valueAt(root, path.slice(0, -1));
  const isMissing = typeof parent === 'object' && parent !== null && valueAt(root, path) === undefined;
  return isMissing && !Array.isArray(parent) && typeof last === 'string' ? last : undefined;
}

function valueAt(root: unknown, path: ValuePath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

function formatPath(path: ValuePath): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${printable(step)}`,
    )
    .join('');
}

/** Keys are echoed, so control characters and long texts are not. */
function printable(key: string): string {
  const clean = key.replaceAll(/[^\x20-\x7e]/g, '?');
  return clean.length > 60 ? `${clean.slice(0, 60)}…` : clean;
}
