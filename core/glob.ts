// Globs over paths, refs and ids. The text that is matched is attacker-controlled, so matching is linear in it for
// each pattern: no regular expression, no backtracking beyond the last star of a segment.
//
//   glob    = segment *( "/" segment )
//   segment = "**" / *( char / "*" / "?" / class )      ; "**" alone: any number of segments, none included
//   class   = "[" [ "!" / "^" ] 1*( char / char "-" char ) "]"
//   before that, "{a,b}" is expanded; "\" takes the next character literally
//
// Names that begin with a dot are ordinary names. Letters are compared exactly.

const longestPattern = 1_024;
const mostAlternatives = 256;

/** A pattern that cannot be read; the message says why and what to write instead. */
export class GlobError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GlobError';
  }
}

type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [number, number])[];
    };

type Segment =
  | { readonly kind: 'globstar' }
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[]; readonly tail: string };

type Alternative = readonly Segment[];

export type Matcher = (text: string) => boolean;

/** Compiles patterns to one test that is true where any of them matches. Throws `GlobError`. */
export function compileGlobs(patterns: readonly string[]): Matcher {
  const byFirst = new Map<string, Alternative[]>();
  const byLast = new Map<string, Alternative[]>();
  const others: Alternative[] = [];
  for (const alternative of patterns.flatMap(expandBraces).map(readAlternative)) {
    const first = alternative[0];
    const last = alternative.at(-1);
    if (last?.kind === 'literal') file(byLast, last.text, alternative);
    else if (first?.kind === 'literal') file(byFirst, first.text, alternative);
    else others.push(alternative);
  }
  return (text) => {
    const segments = text.split('/');
    const matches = (alternative: Alternative): boolean => matchesSegments(alternative, segments);
    return (
      byFirst.get(segments[0] ?? '')?.some(matches) === true ||
      byLast.get(segments.at(-1) ?? '')?.some(matches) === true ||
      others.some((alternative) => couldMatch(alternative, segments) && matches(alternative))
    );
  };
}

/** As `compileGlobs`, for repositories `<forge>/<owner>/…/<repo>`, whose letter case has no meaning. */
export function compileRepositoryGlobs(patterns: readonly string[]): Matcher {
  const matches = compileGlobs(patterns.map((pattern) => pattern.toLowerCase()));
  return (text) => matches(text.toLowerCase());
}

function file(shelf: Map<string, Alternative[]>, name: string, alternative: Alternative): void {
  const filed = shelf.get(name);
  if (filed === undefined) shelf.set(name, [alternative]);
  else filed.push(alternative);
}

/** A cheap test that all matches pass: the end of the last segment, or the presence of the one before a final `**`. */
function couldMatch(alternative: Alternative, segments: readonly string[]): boolean {
  const last = alternative.at(-1);
  if (last?.kind === 'tokens') return segments.at(-1)?.endsWith(last.tail) === true;
  const before = alternative.at(-2);
  return before?.kind !== 'literal' || segments.includes(before.text);
}

/** The patterns that a pattern with braces stands for, at most 256. Throws `GlobError`. */
export function expandBraces(pattern: string): readonly string[] {
  refuseForeignSyntax(pattern);
  const pending = [pattern];
  const done: string[] = [];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const brace = outermostBrace(next);
    if (brace === undefined) {
      done.push(next);
    } else {
      for (const choice of brace.choices) pending.push(brace.before + choice + brace.after);
    }
    if (pending.length + done.length > mostAlternatives) {
      throw new GlobError(`the braces stand for more than ${mostAlternatives} patterns; write fewer`);
    }
  }
  return done.toReversed();
}

function refuseForeignSyntax(pattern: string): void {
  if (pattern === '') throw new GlobError('an empty pattern matches nothing');
  if (pattern.length > longestPattern) {
    throw new GlobError(`a pattern may have ${longestPattern} characters, this one has ${pattern.length}`);
  }
  if (pattern.startsWith('!')) throw new GlobError('a pattern cannot begin with "!"; use `not` instead');
  if (pattern.startsWith('/') || pattern.startsWith('./')) {
    throw new GlobError('patterns begin at the root already; leave out the leading "/" or "./"');
  }
  if (pattern.endsWith('/')) throw new GlobError('to match everything in a directory, write "directory/**"');
  if (/(?<!\\)[@+?*]\(/.test(pattern)) {
    throw new GlobError('extended patterns such as "+(…)" are not supported; write braces: "{a,b}"');
  }
}

interface Brace {
  readonly before: string;
  readonly choices: readonly string[];
  readonly after: string;
}

function outermostBrace(pattern: string): Brace | undefined {
  let depth = 0;
  let start = -1;
  let choiceStart = -1;
  const choices: string[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '\\') {
      at++;
    } else if (char === '{') {
      if (depth === 0) {
        start = at;
        choiceStart = at + 1;
      }
      depth++;
    } else if (char === ',' && depth === 1) {
      choices.push(pattern.slice(choiceStart, at));
      choiceStart = at + 1;
    } else if (char === '}') {
      if (depth === 0) throw new GlobError('"}" has no "{"; write "\\}" for the character itself');
      depth--;
      if (depth > 0) continue;
      choices.push(pattern.slice(choiceStart, at));
      if (choices.length === 1) {
        throw new GlobError(
          'braces list alternatives with commas: "{a,b}"; write "\\{" for the character itself',
        );
      }
      return { before: pattern.slice(0, start), choices, after: pattern.slice(at + 1) };
    }
  }
  if (depth > 0) throw new GlobError('"{" has no "}"; write "\\{" for the character itself');
  return undefined;
}

function readAlternative(pattern: string): Alternative {
  return pattern.split('/').map(readSegment);
}

function readSegment(text: string): Segment {
  if (text === '**') return { kind: 'globstar' };
  const tokens = readTokens(Array.from(text));
  if (tokens.every((token) => token.kind === 'char')) {
    return { kind: 'literal', text: tokens.map((token) => token.char).join('') };
  }
  return { kind: 'tokens', tokens, tail: literalTail(tokens) };
}

function readTokens(chars: readonly string[]): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '\\') {
      at++;
      const literal = chars[at];
      if (literal === undefined)
        throw new GlobError('"\\" must be followed by the character that it protects');
      tokens.push({ kind: 'char', char: literal });
    } else if (char === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
    } else if (char === '?') {
      tokens.push({ kind: 'any' });
    } else if (char === '[') {
      const end = chars.indexOf(']', chars[at + 1] === '!' || chars[at + 1] === '^' ? at + 3 : at + 2);
      if (end < 0) throw new GlobError('"[" has no "]"; write "\\[" for the character itself');
      tokens.push(readClass(chars.slice(at + 1, end)));
      at = end;
    } else {
      tokens.push({ kind: 'char', char });
    }
  }
  return tokens;
}

function readClass(chars: readonly string[]): Token {
  const negated = chars[0] === '!' || chars[0] === '^';
  const members = negated ? chars.slice(1) : chars;
  if (members.includes('[') || members.includes('\\')) {
    throw new GlobError('a class lists characters and ranges only, such as "[a-z0-9]"');
  }
  const ranges: (readonly [number, number])[] = [];
  for (let at = 0; at < members.length; at++) {
    const from = codePoint(members[at]);
    const isRange = members[at + 1] === '-' && at + 2 < members.length;
    const to = isRange ? codePoint(members[at + 2]) : from;
    if (to < from) throw new GlobError(`the range "${members.slice(at, at + 3).join('')}" is turned round`);
    ranges.push([from, to]);
    if (isRange) at += 2;
  }
  return { kind: 'class', negated, ranges };
}

function codePoint(char: string | undefined): number {
  return char?.codePointAt(0) ?? 0;
}

/** The characters that every match of the segment ends with; a cheap first test. */
function literalTail(tokens: readonly Token[]): string {
  let tail = '';
  for (const token of tokens.toReversed()) {
    if (token.kind !== 'char') break;
    tail = token.char + tail;
  }
  return tail;
}

/** Greedy with a return to the last `**` only: O(pattern × text). */
function matchesSegments(pattern: Alternative, texts: readonly string[]): boolean {
  let at = 0;
  let from = 0;
  let globstar = -1;
  let resume = 0;
  while (from < texts.length) {
    const segment = pattern[at];
    if (segment?.kind === 'globstar') {
      globstar = at++;
      resume = from;
    } else if (segment !== undefined && matchesSegment(segment, texts[from] ?? '')) {
      at++;
      from++;
    } else if (globstar >= 0) {
      at = globstar + 1;
      from = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at]?.kind === 'globstar') at++;
  return at === pattern.length;
}

function matchesSegment(segment: Segment, text: string): boolean {
  switch (segment.kind) {
    case 'globstar':
      return true;
    case 'literal':
      return segment.text === text;
    case 'tokens':
      return text.endsWith(segment.tail) && matchesTokens(segment.tokens, Array.from(text));
  }
}

/** Greedy with a return to the last `*` only: O(pattern × text). */
function matchesTokens(tokens: readonly Token[], chars: readonly string[]): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let resume = 0;
  while (from < chars.length) {
    const token = tokens[at];
    if (token?.kind === 'star') {
      star = at++;
      resume = from;
    } else if (token !== undefined && matchesChar(token, chars[from] ?? '')) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++resume;
    } else {
      return false;
    }
  }
  while (tokens[at]?.kind === 'star') at++;
  return at === tokens.length;
}

function matchesChar(token: Token, char: string): boolean {
  switch (token.kind) {
    case 'char':
      return token.char === char;
    case 'any':
      return true;
    case 'class': {
      const code = codePoint(char);
      return token.ranges.some(([from, to]) => from <= code && code <= to) !== token.negated;
    }
    case 'star':
      return false;
  }
}
