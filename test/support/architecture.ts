// Judges a tree of sources by two tables: which layer may import which, and which files are the doors to a
// capability. A pure function over {path -> source}, so that the test can also plant breaches and see them found.
import { posix } from 'node:path';
import { readSourceFacts, type SourceFacts } from './source-facts.ts';

export interface Layer {
  readonly name: string;
  /** Paths that belong to the layer; `(?<part>…)` captures the part, whose siblings are out of reach. */
  readonly files: RegExp;
  readonly mayImport: readonly string[];
}

export interface Door {
  /** What stands behind the door, as it is told in a breach. */
  readonly name: string;
  /** Module specifiers that go through the door; null for the environment, which is not a module. */
  readonly modules: RegExp | null;
  /** Files that may use it. */
  readonly files: RegExp;
}

export interface Architecture {
  readonly layers: readonly Layer[];
  readonly doors: readonly Door[];
  /** Files that may look up packages around `import`, by createRequire. */
  readonly loaders: RegExp;
  /** Files that are tests or their support: free of doors, docstrings and the line statistics. */
  readonly tests: RegExp;
  readonly generated: RegExp;
  readonly forbiddenNames: RegExp;
  readonly maxLines: number;
}

export interface Breach {
  readonly rule:
    | 'parse'
    | 'layer'
    | 'sibling'
    | 'door'
    | 'loader'
    | 'cycle'
    | 'docstring'
    | 'length'
    | 'name'
    | 'opening'
    | 'star-export'
    | 'default-export'
    | 'missing-file';
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

type Facts = ReadonlyMap<string, SourceFacts>;

/** Every breach of `architecture` in `sources` (path from the project root, with `/`, to text). */
export function findBreaches(
  architecture: Architecture,
  sources: Readonly<Record<string, string>>,
): readonly Breach[] {
  const facts: Facts = new Map(
    Object.entries(sources).map(([path, source]) => [path, readSourceFacts(path, source)]),
  );
  return [...facts]
    .flatMap(([path, fact]) => [
      ...fact.parseErrors.map((message) => breach('parse', path, 1, message)),
      ...shapeBreaches(architecture, path, fact),
      ...importBreaches(architecture, facts, path, fact),
      ...doorBreaches(architecture, path, fact),
    ])
    .concat(cycleBreaches(facts));
}

function breach(rule: Breach['rule'], path: string, line: number, message: string): Breach {
  return { rule, path, line, message };
}

function shapeBreaches(architecture: Architecture, path: string, fact: SourceFacts): readonly Breach[] {
  const found: Breach[] = [];
  const isTest = architecture.tests.test(path);
  const isGenerated = architecture.generated.test(path);
  const isConfig = /^[\w.-]+\.config\.ts$/.test(path);
  if (fact.lines > architecture.maxLines && !isGenerated) {
    found.push(breach('length', path, fact.lines, `${fact.lines} lines; at most ${architecture.maxLines}`));
  }
  const badPart = path.split('/').find((part) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(part));
  if (badPart !== undefined) found.push(breach('name', path, 1, `"${badPart}" is not kebab-case`));
  if (architecture.forbiddenNames.test(path)) {
    found.push(breach('name', path, 1, 'name the file for the one concept it holds'));
  }
  if (!fact.opensWithComment) {
    found.push(breach('opening', path, 1, 'say in the first lines what the file is and what it trusts'));
  }
  for (const line of fact.starExports) found.push(breach('star-export', path, line, 'no barrels'));
  if (!isConfig) {
    for (const line of fact.defaultExports) found.push(breach('default-export', path, line, 'name it'));
  }
  if (isTest || isGenerated) return found;
  for (const entry of fact.exportedFunctions) {
    if (!entry.documented) {
      found.push(breach('docstring', path, entry.line, `${entry.name} is exported without a docstring`));
    }
  }
  return found;
}

interface Place {
  readonly layer: Layer;
  readonly part: string | undefined;
}

function placeOf(architecture: Architecture, path: string): Place | undefined {
  for (const layer of architecture.layers) {
    const match = layer.files.exec(path);
    if (match) return { layer, part: match.groups?.['part'] };
  }
  return undefined;
}

function importBreaches(
  architecture: Architecture,
  facts: Facts,
  path: string,
  fact: SourceFacts,
): readonly Breach[] {
  const from = placeOf(architecture, path);
  if (!from) return [breach('layer', path, 1, 'belongs to no layer')];
  return fact.imports.flatMap(({ specifier, line }) => {
    if (specifier === null) {
      return [breach('loader', path, line, 'a computed import cannot be judged')];
    }
    const target = resolveImport(path, specifier);
    if (target === undefined) return [];
    if (target.endsWith('.json')) return [];
    if (!facts.has(target))
      return [breach('missing-file', path, line, `imports ${target}, which is not there`)];
    const to = placeOf(architecture, target);
    if (!to) return [];
    if (!from.layer.mayImport.includes(to.layer.name)) {
      return [breach('layer', path, line, `${from.layer.name} may not import ${to.layer.name} (${target})`)];
    }
    if (from.layer === to.layer && from.part !== to.part) {
      return [breach('sibling', path, line, `part ${from.part} may not import part ${to.part} (${target})`)];
    }
    return [];
  });
}

/** Path of an import inside the project, or undefined for a package or a built-in. */
function resolveImport(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('#') || specifier.startsWith('/') || specifier.startsWith('file:'))
    return specifier;
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
}

function doorBreaches(architecture: Architecture, path: string, fact: SourceFacts): readonly Breach[] {
  if (architecture.tests.test(path)) return [];
  const closed = architecture.doors.filter((door) => !door.files.test(path));
  return [
    ...closed.flatMap((door) => doorUses(door, fact).map((line) => breach('door', path, line, door.name))),
    ...(architecture.loaders.test(path) ? [] : fact.loaders).map(({ name, line }) =>
      breach('loader', path, line, `${name} loads modules unseen`),
    ),
  ];
}

function doorUses(door: Door, fact: SourceFacts): readonly number[] {
  const { modules } = door;
  if (modules === null) return fact.environmentReads;
  return fact.imports
    .filter(({ specifier }) => specifier !== null && modules.test(specifier))
    .map(({ line }) => line);
}

/** One breach for each cycle, told once, from the file that sorts first in it. Type imports count. */
function cycleBreaches(facts: Facts): readonly Breach[] {
  const found = new Map<string, Breach>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const cycle = trail.slice(at);
      const key = cycle.toSorted().join(' ');
      const first = cycle.toSorted()[0] ?? path;
      found.set(key, breach('cycle', first, 1, [...cycle, path].join(' -> ')));
      return;
    }
    if (done.has(path)) return;
    for (const { specifier } of facts.get(path)?.imports ?? []) {
      const target = specifier === null ? undefined : resolveImport(path, specifier);
      if (target !== undefined && facts.has(target)) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of facts.keys()) visit(path, []);
  return [...found.values()];
}

export interface LineStatistics {
  readonly files: number;
  readonly median: number;
  readonly p90: number;
  readonly max: number;
}

/** Lines per file of the product's own sources, tests and generated files left out. */
export function lineStatistics(
  architecture: Architecture,
  sources: Readonly<Record<string, string>>,
): LineStatistics {
  const lines = Object.entries(sources)
    .filter(([path]) => !architecture.tests.test(path) && !architecture.generated.test(path))
    .map(([, source]) => source.split('\n').length - 1)
    .toSorted((a, b) => a - b);
  const at = (share: number): number =>
    lines[Math.min(lines.length - 1, Math.floor(lines.length * share))] ?? 0;
  return { files: lines.length, median: at(0.5), p90: at(0.9), max: lines.at(-1) ?? 0 };
}
