// Reads one TypeScript source into the facts that the architecture test judges. Pure; trusts the parser only.
import { parseSync, Visitor } from 'oxc-parser';

export interface ImportFact {
  /** The specifier, or null where it is computed and so cannot be judged. */
  readonly specifier: string | null;
  readonly line: number;
  /** Imported names; empty for namespace, bare, dynamic and `export from` imports. */
  readonly names: readonly string[];
}

export interface SourceFacts {
  readonly lines: number;
  readonly imports: readonly ImportFact[];
  /** Lines that read the environment, in whatever spelling. */
  readonly environmentReads: readonly number[];
  /** Names of globals that load modules around `import`: `require`, `getBuiltinModule`, `createRequire`. */
  readonly loaders: readonly { readonly name: string; readonly line: number }[];
  readonly exportedFunctions: readonly {
    readonly name: string;
    readonly line: number;
    readonly documented: boolean;
  }[];
  readonly starExports: readonly number[];
  readonly defaultExports: readonly number[];
  /** True where the first thing in the file, a shebang aside, is a comment. */
  readonly opensWithComment: boolean;
  readonly parseErrors: readonly string[];
}

const loaderNames = new Set(['require', 'getBuiltinModule', 'createRequire']);

/** Parses `source`; `path` only tells the dialect. */
export function readSourceFacts(path: string, source: string): SourceFacts {
  const parsed = parseSync(path, source);
  const lineOf = lineFinder(source);
  const documented = documentedStarts(source, parsed.comments);
  const imports: ImportFact[] = [];
  const environmentReads: number[] = [];
  const loaders: { name: string; line: number }[] = [];
  const exportedFunctions: { name: string; line: number; documented: boolean }[] = [];
  const starExports: number[] = [];
  const defaultExports: number[] = [];

  new Visitor({
    ImportDeclaration(node) {
      const names = node.specifiers.flatMap((specifier) =>
        specifier.type === 'ImportSpecifier' && specifier.imported.type === 'Identifier'
          ? [specifier.imported.name]
          : [],
      );
      imports.push({ specifier: node.source.value, line: lineOf(node.start), names });
    },
    ImportExpression(node) {
      imports.push({ specifier: literalText(node.source), line: lineOf(node.start), names: [] });
    },
    TSImportType(node) {
      imports.push({ specifier: node.source.value, line: lineOf(node.start), names: [] });
    },
    ExportAllDeclaration(node) {
      imports.push({ specifier: node.source.value, line: lineOf(node.start), names: [] });
      starExports.push(lineOf(node.start));
    },
    ExportDefaultDeclaration(node) {
      defaultExports.push(lineOf(node.start));
    },
    ExportNamedDeclaration(node) {
      if (node.source) imports.push({ specifier: node.source.value, line: lineOf(node.start), names: [] });
      for (const name of functionNames(node.declaration)) {
        exportedFunctions.push({ name, line: lineOf(node.start), documented: documented.has(node.start) });
      }
    },
    MemberExpression(node) {
      const property = node.computed ? literalText(node.property) : identifierName(node.property);
      if (property === 'env' && isProcess(node.object)) environmentReads.push(lineOf(node.start));
    },
    VariableDeclarator(node) {
      if (node.id.type !== 'ObjectPattern' || node.init === null || !isProcess(node.init)) return;
      for (const entry of node.id.properties) {
        if (entry.type === 'Property' && identifierName(entry.key) === 'env') {
          environmentReads.push(lineOf(node.start));
        }
      }
    },
    CallExpression(node) {
      const called =
        node.callee.type === 'MemberExpression'
          ? identifierName(node.callee.property)
          : identifierName(node.callee);
      if (called !== undefined && loaderNames.has(called)) {
        loaders.push({ name: called, line: lineOf(node.start) });
      }
    },
  }).visit(parsed.program);

  for (const fact of imports) {
    if (/^(node:)?process$/.test(fact.specifier ?? '') && fact.names.includes('env')) {
      environmentReads.push(fact.line);
    }
  }
  const body = source.replace(/^#![^\n]*\n/, '').trimStart();
  return {
    lines: source.split('\n').length - (source.endsWith('\n') ? 1 : 0),
    imports,
    environmentReads,
    loaders,
    exportedFunctions,
    starExports,
    defaultExports,
    opensWithComment: body.startsWith('//') || body.startsWith('/*'),
    parseErrors: parsed.errors.map((error) => error.message),
  };
}

interface NodeLike {
  readonly type: string;
}

function identifierName(node: NodeLike): string | undefined {
  return node.type === 'Identifier' && 'name' in node && typeof node.name === 'string'
    ? node.name
    : undefined;
}

function literalText(node: NodeLike): string | null {
  return node.type === 'Literal' && 'value' in node && typeof node.value === 'string' ? node.value : null;
}

/** True for `process` and `globalThis.process`. */
function isProcess(node: NodeLike): boolean {
  if (identifierName(node) === 'process') return true;
  return (
    node.type === 'MemberExpression' &&
    'property' in node &&
    identifierName(node.property as NodeLike) === 'process'
  );
}

/** Names of the functions that an exported declaration declares: function declarations and function-valued consts. */
function functionNames(declaration: NodeLike | null): readonly string[] {
  if (declaration === null) return [];
  if (declaration.type === 'FunctionDeclaration' && 'id' in declaration) {
    return [identifierName(declaration.id as NodeLike) ?? '(unnamed)'];
  }
  if (declaration.type !== 'VariableDeclaration' || !('declarations' in declaration)) return [];
  const declarators = declaration.declarations as readonly { id: NodeLike; init: NodeLike | null }[];
  return declarators
    .filter(({ init }) => init?.type === 'ArrowFunctionExpression' || init?.type === 'FunctionExpression')
    .map(({ id }) => identifierName(id) ?? '(pattern)');
}

/** Offsets of the first token behind each documentation comment. */
function documentedStarts(
  source: string,
  comments: readonly { readonly type: string; readonly value: string; readonly end: number }[],
): ReadonlySet<number> {
  const starts = new Set<number>();
  for (const comment of comments) {
    if (comment.type !== 'Block' || !comment.value.startsWith('*')) continue;
    const gap = /^\s*/.exec(source.slice(comment.end))?.[0].length ?? 0;
    starts.add(comment.end + gap);
  }
  return starts;
}

/** Returns a function from offset to 1-based line. */
function lineFinder(source: string): (offset: number) => number {
  return (offset) => source.slice(0, offset).split('\n').length;
}
