// Ordinary text to measure with: source code about nothing, different on every line, free of anything to be found.
import { createRandom, type Random } from '../test/support/random.ts';

const verbs = ['load', 'merge', 'render', 'select', 'resolve', 'collect', 'format', 'apply'] as const;
const nouns = ['Row', 'Column', 'Layout', 'Panel', 'Cursor', 'Buffer', 'Token', 'Branch'] as const;
const words = [
  'first',
  'next',
  'inner',
  'outer',
  'left',
  'right',
  'upper',
  'lower',
  'plain',
  'stale',
] as const;

function line(random: Random): string {
  const name = random.pick(words) + random.pick(nouns);
  const call = `${random.pick(verbs)}${random.pick(nouns)}`;
  switch (random.int(0, 5)) {
    case 0:
      return `export function ${call}${random.int(1, 9999)}(${name}: ${random.pick(nouns)}): ${random.pick(nouns)} {`;
    case 1:
      return `  const ${name} = ${call}(${random.pick(words)}, ${random.int(0, 99)});`;
    case 2:
      return `  if (${name} === undefined) return ${random.pick(words)};`;
    case 3:
      return `  // Keeps the ${random.pick(words)} ${random.pick(words)} part until the ${random.pick(verbs)} is done.`;
    case 4:
      return `  return [...${name}, { ${random.pick(words)}: ${call}() }];`;
    default:
      return '}';
  }
}

/** About `bytes` bytes of text, the same for the same seed. */
export function sourceText(seed: number, bytes: number): string {
  const random = createRandom(seed);
  const lines: string[] = [];
  for (let size = 0; size < bytes;) {
    const made = line(random);
    lines.push(made);
    size += made.length + 1;
  }
  return `${lines.join('\n')}\n`;
}

/** `count` files of about `bytes` bytes each, in folders of a hundred. */
export function sourceFiles(seed: number, count: number, bytes: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `src/part-${Math.floor(at / 100)}/module-${at}.ts`,
      sourceText(seed * 100_003 + at, bytes),
    ]),
  );
}
