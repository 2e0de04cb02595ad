// What a reviewer is asked to look at for its content: lock files with strange sources, and machine code.
import { describe, expect, test } from 'vitest';
import { unusualSources } from '../../server/git/dependency-sources.ts';
import { machineCode } from '../../server/git/machine-code.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const origins = (path: string, text: string): readonly string[] =>
  unusualSources(path, bytes(text)).map(({ origin }) => origin);

describe('sources in lock files', () => {
  test.each([
    ['package-lock.json', '"resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz",'],
    ['yarn.lock', '  resolved "https://registry.yarnpkg.com/a/-/a-1.0.0.tgz#00"'],
    ['yarn.lock', '  resolution: "a@npm:1.0.0"'],
    ['Cargo.lock', 'source = "registry+https://github.com/rust-lang/crates.io-index"'],
    ['uv.lock', 'source = { registry = "https://pypi.org/simple" }'],
    ['Pipfile.lock', '            "url": "https://pypi.org/simple",'],
    ['Gemfile.lock', '  remote: https://rubygems.org/'],
    ['composer.lock', '"url": "https://api.github.com/repos/a/b/zipball/00",'],
    ['notes.md', '"resolved": "https://elsewhere.example/a.tgz"'],
  ])('%s: %s is nothing unusual', (path, line) => {
    expect(origins(path, line)).toEqual([]);
  });

  test.each([
    [
      'web/package-lock.json',
      '"resolved": "https://npm.elsewhere.example/a.tgz",',
      'https://npm.elsewhere.example',
    ],
    ['package-lock.json', '"resolved": "git+ssh://git@github.com/a/b.git#00",', 'ssh://github.com'],
    [
      'package-lock.json',
      '"resolved": "https://registry.npmjs.org.elsewhere.example/a.tgz"',
      'https://registry.npmjs.org.elsewhere.example',
    ],
    ['yarn.lock', '  resolved "https://codeload.github.com/a/b/tar.gz/00"', 'https://codeload.github.com'],
    ['yarn.lock', '  resolution: "a@https://github.com/a/b.git#commit=00"', 'https://github.com'],
    [
      'pnpm-lock.yaml',
      '    resolution: {tarball: https://codeload.github.com/a/b/tar.gz/00}',
      'https://codeload.github.com',
    ],
    ['Cargo.lock', 'source = "git+https://github.com/a/b#00"', 'https://github.com'],
    ['poetry.lock', 'url = "https://elsewhere.example/simple"', 'https://elsewhere.example'],
    ['Gemfile.lock', '  remote: git@github.com:a/b.git', 'git@github.com'],
    ['composer.lock', '"url": "https://elsewhere.example/b.zip"', 'https://elsewhere.example'],
    [
      'package-lock.json',
      '"resolved": "https://name:word@elsewhere.example/a.tgz"',
      'https://elsewhere.example',
    ],
  ])('%s: %s', (path, line, origin) => {
    expect(origins(path, line)).toEqual([origin]);
  });

  test('each origin is told once, with its place, and not without end', () => {
    const line = (host: string): string => `      "resolved": "https://${host}.example/a.tgz",\n`;
    expect(unusualSources('package-lock.json', bytes(`{\n${line('a')}${line('b')}${line('a')}`))).toEqual([
      { origin: 'https://a.example', line: 2, column: 20 },
      { origin: 'https://b.example', line: 3, column: 20 },
    ]);
    const many = Array.from({ length: 500 }, (_, index) => line(`host-${index}`)).join('');
    expect(unusualSources('package-lock.json', bytes(many))).toHaveLength(20);
  });

  test('a line without end costs no more than its beginning', () => {
    const long = `"resolved": "https://a.example/${'x'.repeat(5_000_000)}`;
    expect(origins('package-lock.json', long)).toEqual(['https://a.example']);
    expect(origins('bun.lock', '"a@'.repeat(2_000_000))).toEqual([]);
  });
});

describe('machine code', () => {
  const head = (...start: readonly number[]): Uint8Array =>
    Uint8Array.from([...start, ...new Uint8Array(64)]);
  const pe = (): Uint8Array => {
    const file = new Uint8Array(256);
    file.set([0x4d, 0x5a]);
    new DataView(file.buffer).setUint32(0x3c, 0x80, true);
    file.set([0x50, 0x45, 0, 0], 0x80);
    return file;
  };

  test.each([
    ['an ELF program or library', head(0x7f, 0x45, 0x4c, 0x46)],
    ['a Mach-O program or library', head(0xcf, 0xfa, 0xed, 0xfe)],
    ['a Mach-O program or library', head(0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2)],
    ['Java byte code', head(0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 65)],
    ['WebAssembly', head(0, 0x61, 0x73, 0x6d)],
    ['a Windows program or library', pe()],
  ])('%s', (name, content) => {
    expect(machineCode(content)).toBe(name);
  });

  test.each([
    ['text', bytes('MZ is how this text begins, and it goes on for longer than sixty-four characters.')],
    ['a picture', head(0x89, 0x50, 0x4e, 0x47)],
    ['nothing', new Uint8Array(0)],
    ['a few bytes', Uint8Array.from([0xca, 0xfe, 0xba, 0xbe])],
  ])('%s is none', (_name, content) => {
    expect(machineCode(content)).toBeUndefined();
  });
});
