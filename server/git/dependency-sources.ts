// Where a lock file says that dependencies come from. A package that is fetched from anywhere but the public registry of
// its ecosystem is for a person to judge: it is how another's code is slipped under a known name. Reads attacker-controlled
// text line by line, each within a bound.
import { posix } from 'node:path';

/** Where a lock file names a source that is not the usual one. */
export interface UnusualSource {
  /** Scheme and host, such as `https://npm.example.org`; no path, no credential. */
  readonly origin: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

interface LockFile {
  /** Its one group is a source as the file writes it. */
  readonly source: RegExp;
  /** What the sources of the ecosystem's own registry begin with. */
  readonly usual: readonly string[];
}

const npm: readonly string[] = ['https://registry.npmjs.org/', 'https://registry.yarnpkg.com/'];
const python: readonly string[] = ['https://pypi.org/', 'https://files.pythonhosted.org/'];
const url = String.raw`((?:git\+)?(?:https?|ssh|git|file):\/\/[^"'\s#,}]+|git@[^"'\s#,}]+)`;

const pythonLock: LockFile = {
  source: new RegExp(`(?:url|registry|git|"url")\\s*[=:]\\s*["']${url}`, 'g'),
  usual: python,
};

const lockFiles: Readonly<Record<string, LockFile>> = {
  'package-lock.json': { source: new RegExp(`"resolved":\\s*"${url}`, 'g'), usual: npm },
  'npm-shrinkwrap.json': { source: new RegExp(`"resolved":\\s*"${url}`, 'g'), usual: npm },
  'yarn.lock': { source: new RegExp(`(?:resolved|resolution:) "(?:[^"]*@)?${url}`, 'g'), usual: npm },
  'pnpm-lock.yaml': { source: new RegExp(`(?:tarball|repo): ['"]?${url}`, 'g'), usual: npm },
  'bun.lock': { source: new RegExp(`"(?:[^"\\s]{1,300}@)?${url}`, 'g'), usual: npm },
  'Cargo.lock': {
    source: new RegExp(`source = "(?:registry\\+|sparse\\+)?${url}`, 'g'),
    usual: ['https://github.com/rust-lang/crates.io-index', 'https://index.crates.io/'],
  },
  'poetry.lock': pythonLock,
  'uv.lock': pythonLock,
  'pdm.lock': pythonLock,
  'Pipfile.lock': pythonLock,
  'Gemfile.lock': { source: new RegExp(`remote: ${url}`, 'g'), usual: ['https://rubygems.org/'] },
  'gems.locked': { source: new RegExp(`remote: ${url}`, 'g'), usual: ['https://rubygems.org/'] },
  'composer.lock': {
    source: new RegExp(`"url": "${url}`, 'g'),
    usual: ['https://api.github.com/', 'https://github.com/', 'https://repo.packagist.org/'],
  },
};

const longestLine = 20_000;
const mostSources = 20;

/** The unusual sources of a lock file, each origin once; nothing for other files. */
export function unusualSources(path: string, data: Uint8Array): readonly UnusualSource[] {
  const lockFile = lockFiles[posix.basename(path)];
  if (lockFile === undefined) return [];
  const found = new Map<string, UnusualSource>();
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
  let line = 0;
  for (let start = 0; start < text.length && found.size < mostSources;) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    line += 1;
    for (const match of text.slice(start, Math.min(stop, start + longestLine)).matchAll(lockFile.source)) {
      const [whole, source = ''] = match;
      if (lockFile.usual.some((usual) => source.startsWith(usual))) continue;
      const origin = originOf(source);
      const column = match.index + whole.length - source.length + 1;
      if (!found.has(origin)) found.set(origin, { origin, line, column });
    }
    start = stop + 1;
  }
  return [...found.values()];
}

function originOf(source: string): string {
  const parts = /^(?:git\+)?([a-z]+):\/\/(?:[^/@]*@)?([^/?]*)/.exec(source);
  if (parts !== null) return `${parts[1] ?? ''}://${parts[2] ?? ''}`;
  return source.slice(0, source.indexOf(':') < 0 ? 100 : source.indexOf(':'));
}
