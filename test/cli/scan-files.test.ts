// Which files `forgeguard scan` reads: what Git ignores, links, pipes, files that cannot be read, and hostile content.
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { forgeguard } from './program.ts';
import { makeWorkTree } from './work-tree.ts';
import { ssn } from '../scanners/values.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const reportSchema = z.object({ findings: z.array(z.object({ path: z.string() })) });
const leak = `ssn: ${ssn}\n`;

function paths(stdout: string): readonly string[] {
  return reportSchema.parse(JSON.parse(stdout)).findings.map(({ path }) => path);
}

describe('what is read', () => {
  test('is what Git would take, unless it is named', async () => {
    await using tree = await makeWorkTree();
    await tree.write({ '.gitignore': 'out/\n*.log\n', 'sub/.gitignore': 'x.txt\n' });
    await tree.write({
      'sub/x.txt': leak,
      'sub/y.txt': leak,
      'out/a.txt': leak,
      'b.log': leak,
      'c.txt': leak,
    });
    await tree.git('add', '-f', 'b.log');
    await tree.write({ 'out/inner/d.txt': leak });
    const scan = (...args: readonly string[]) => tree.forgeguard('scan', '--format', 'json', ...args);
    expect(paths((await scan()).stdout)).toEqual(['b.log', 'c.txt', 'sub/y.txt']);
    expect(paths((await scan('sub')).stdout)).toEqual(['sub/y.txt']);
    expect(paths((await scan('out', 'sub/x.txt')).stdout)).toEqual([
      'out/a.txt',
      'out/inner/d.txt',
      'sub/x.txt',
    ]);
    expect(paths((await scan('--no-ignore')).stdout)).toHaveLength(6);
  });

  test('includes repositories inside, each with its own ignored files', async () => {
    await using tree = await makeWorkTree();
    await using inner = await makeWorkTree();
    await inner.commit('inner', { '.gitignore': 'no.txt\n', 'no.txt': leak, 'yes.txt': leak });
    await tree.git('clone', '-q', inner.path, 'nested');
    await tree.write({ 'nested/no.txt': leak });
    await mkdir(join(tree.path, 'empty-module'));
    const { stdout } = await tree.forgeguard('scan', '--format', 'json');
    expect(paths(stdout)).toEqual(['nested/yes.txt']);
  });

  test('does not follow links below a directory and ends where they run in circles', async () => {
    await using directory = await temporaryDirectory('scan');
    await mkdir(join(directory.path, 'a', 'b'), { recursive: true });
    await writeFile(join(directory.path, 'a', 'b', 'c.txt'), leak);
    await symlink('..', join(directory.path, 'a', 'b', 'up'));
    await symlink('self', join(directory.path, 'self'));
    await symlink('/proc', join(directory.path, 'proc'));
    const all = await forgeguard(directory.path, ['scan', '--format', 'json']);
    expect(paths(all.stdout)).toEqual(['a/b/c.txt']);
    expect(paths((await forgeguard(directory.path, ['scan', '--format', 'json', 'a/b/up'])).stdout)).toEqual([
      'a/b/up/b/c.txt',
    ]);
  });

  test('is told where it cannot be read, with exit code 2, and the rest is scanned', async () => {
    await using directory = await temporaryDirectory('scan');
    await symlink('self', join(directory.path, 'self'));
    await writeFile(join(directory.path, 'a.txt'), leak);
    const args = ['self', 'nowhere', '/dev/zero', 'a.txt'];
    const text = await forgeguard(directory.path, ['scan', ...args]);
    expect(text.code).toBe(2);
    expect(text.stdout).toContain('a.txt:1:6: critical phi/ssn');
    expect(text.stderr).toBe(
      "forgeguard: couldn't scan self (ELOOP)\n" +
        "forgeguard: couldn't scan nowhere (ENOENT)\n" +
        "forgeguard: couldn't scan /dev/zero (neither a file nor a directory)\n",
    );
    const json = await forgeguard(directory.path, ['scan', '--format', 'json', ...args]);
    expect(JSON.parse(json.stdout)).toMatchObject({ files: 1, problems: [{ path: 'self' }, {}, {}] });
  });
});

describe('hostile content', () => {
  test('of every byte, without an end of line, or mostly holes is scanned like any other', async () => {
    await using directory = await temporaryDirectory('scan');
    const noise = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at * at * 31 + (at >>> 3)) & 0xff));
    await writeFile(join(directory.path, 'noise.bin'), noise);
    await writeFile(join(directory.path, 'bad.txt'), Buffer.from(`\xff\xfe\xc3( ${leak}`, 'latin1'));
    await writeFile(join(directory.path, 'long.txt'), Buffer.alloc(20_000_000, 'x y,'));
    {
      await using sparse = await open(join(directory.path, 'sparse.bin'), 'w');
      await sparse.truncate(64 * 1024 * 1024);
      await sparse.write(`\n${leak}`, 64 * 1024 * 1024);
    }
    const { code, stdout } = await forgeguard(directory.path, ['scan', '--format', 'json']);
    expect(code).toBe(1);
    expect(paths(stdout)).toContain('sparse.bin');
    expect(JSON.parse(stdout)).toMatchObject({ files: 4 });
  });
});
