// Reads YAML (or JSON, which is a subset) that a person wrote, within bounds, and remembers where each value stands.
// The messages say what is wrong and where, never what the text contains: it may be a secret in the wrong place.
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { ErrorCode as YamlErrorCode } from 'yaml';

const longestText = 1_048_576;
const deepestNesting = 64;
const mostAliases = 100;

export interface Place {
  /** 1-based. */
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  readonly place: Place;
  readonly message: string;
}

export type ValuePath = readonly (string | number)[];

export interface YamlDocument {
  readonly kind: 'document';
  /** Plain data: objects, arrays, strings, numbers, booleans and null. */
  readonly value: unknown;
  /** Where the value, or its nearest surrounding one, stands. */
  readonly placeOf: (path: ValuePath) => Place;
  /** Where the key itself stands in the mapping at `path`. */
  readonly placeOfKey: (path: ValuePath, key: string) => Place;
}

export type YamlReading = YamlDocument | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

const top: Place = { line: 1, column: 1 };

const syntaxMessages: Readonly<Record<YamlErrorCode, string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag',
  BAD_ALIAS: 'an alias names an anchor that does not exist',
  BAD_COLLECTION_TYPE: 'a tag does not fit what follows it',
  BAD_DIRECTIVE: 'a line that begins with "%" is a directive, and this one is unknown',
  BAD_DQ_ESCAPE: 'a double-quoted text has an unknown escape; use single quotes or double the backslash',
  BAD_INDENT: 'the indentation does not fit the lines around it',
  BAD_PROP_ORDER: 'anchors and tags stand before the value',
  BAD_SCALAR_START: 'a plain text cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping begins inside another value; put texts that contain ": " in quotes',
  BLOCK_IN_FLOW: 'an indented block cannot stand inside brackets or braces',
  DUPLICATE_KEY: 'a key is written twice',
  IMPOSSIBLE: 'the text cannot be read',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'a quote, bracket, comma or space is missing',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is a quote missing?',
  MULTIPLE_ANCHORS: 'a value can have one anchor only',
  MULTIPLE_DOCS: 'the file must hold one document only',
  MULTIPLE_TAGS: 'a value can have one tag only',
  NON_STRING_KEY: 'keys must be texts',
  RESOURCE_EXHAUSTION: 'the text is nested too deeply',
  TAB_AS_INDENT: 'indent with spaces, not tabs',
  TAG_RESOLVE_FAILED: 'a word that begins with "!" is a tag, and this one is unknown; put it in quotes',
  UNEXPECTED_TOKEN: 'something stands here that does not belong here; is a quote or an indent wrong?',
};

/** Reads one document of at most 1 MiB, 64 levels and 100 aliases. */
export function readYaml(text: string): YamlReading {
  if (Buffer.byteLength(text) > longestText) {
    return problem(top, `the file is larger than ${longestText} bytes`);
  }
  const lines = new LineCounter();
  const document = attempt(() =>
    parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, version: '1.2' }),
  );
  if (document === undefined) return problem(top, syntaxMessages.RESOURCE_EXHAUSTION);
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return {
      kind: 'problems',
      problems: faults.map((fault) => ({
        place: placeAt(fault.pos[0]),
        message: syntaxMessages[fault.code],
      })),
    };
  }
  const plain = attempt((): { value: unknown } => ({ value: document.toJS({ maxAliasCount: mostAliases }) }));
  if (plain === undefined) return problem(top, `the file uses more than ${mostAliases} aliases`);
  if (depthExceeds(plain.value, deepestNesting)) return problem(top, syntaxMessages.RESOURCE_EXHAUSTION);

  const nodeAt = (path: ValuePath): unknown =>
    path.length === 0 ? document.contents : document.getIn(path, true);
  const placeOf = (path: ValuePath): Place => {
    for (let length = path.length; length >= 0; length--) {
      const node = nodeAt(path.slice(0, length));
      if (isNode(node) && node.range) return placeAt(node.range[0]);
    }
    return top;
  };
  const placeOfKey = (path: ValuePath, key: string): Place => {
    const map = nodeAt(path);
    const pair = isMap(map)
      ? map.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined;
    return isNode(pair?.key) && pair.key.range ? placeAt(pair.key.range[0]) : placeOf(path);
  };
  return { kind: 'document', value: plain.value, placeOf, placeOfKey };
}

function problem(place: Place, message: string): YamlReading {
  return { kind: 'problems', problems: [{ place, message }] };
}

/** The library throws on exhausted stacks and too many aliases only; both are limits of ours. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function depthExceeds(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => depthExceeds(child, levels - 1));
}
