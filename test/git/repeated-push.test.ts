// A push that comes again after a fix: blobs go to the scanner under their ids, so that what did not change is known.
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Oid, parseOid } from '../../core/oid.ts';
import type { ScanService } from '../../core/services.ts';
import { type Inspection, inspectPack } from '../../server/git/inspect.ts';
import { ObjectReader } from '../../server/git/object-reader.ts';
import { openPackIndex } from '../../server/git/pack-index.ts';
import { createScanPool } from '../../server/scanning/pool.ts';
import { glue } from '../scanners/values.ts';
import { isolatedGitEnvironment, runOrThrow } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const signal = new AbortController().signal;

interface Asked {
  readonly path: string;
  readonly contentId: string | undefined;
}

/** The scanner itself, with a note of what it was asked. */
function noting(scanner: ScanService, asked: Asked[]): ScanService {
  return {
    catalogDigest: scanner.catalogDigest,
    fingerprintKey: scanner.fingerprintKey,
    scan: (target, bytes, stop, contentId) => {
      asked.push({ path: target.path, contentId });
      return scanner.scan(target, bytes, stop, contentId);
    },
    scanStream: (target, source, stop, contentId) => {
      asked.push({ path: target.path, contentId });
      return scanner.scanStream(target, source, stop, contentId);
    },
    redactStream: (options, source, stop) => scanner.redactStream(options, source, stop),
  };
}

test('only blobs have an id, and a repeated blob has the same findings', async () => {
  await using directory = await temporaryDirectory('repeated-push');
  await using pool = await createScanPool({ fingerprintKey: new Uint8Array(32), threads: 1 });
  const asked: Asked[] = [];
  const scanner = noting(pool, asked);
  const env = isolatedGitEnvironment(directory.path);
  const git = async (...args: readonly string[]): Promise<string> =>
    (await runOrThrow('git', args, { env, cwd: directory.path })).stdout.trim();
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'user.name', 'Agent');
  await git('config', 'user.email', 'agent@guard.example');
  await writeFile(join(directory.path, 'kept.txt'), glue('ssn: 536-22-', '1879\n'));
  await writeFile(join(directory.path, 'large.txt'), 'x = y + 1;\n'.repeat(900_000));
  await writeFile(join(directory.path, 'fixed.txt'), glue('ssn: 536-22-', '1878\n'));

  const first = await inspect('add records');
  await writeFile(join(directory.path, 'fixed.txt'), 'nothing\n');
  const before = asked.splice(0);
  const second = await inspect('add records without numbers', '--amend');

  const ids = async (...paths: readonly string[]): Promise<readonly string[]> =>
    Promise.all(paths.map((path) => git('rev-parse', `HEAD:${path}`)));
  const [kept, large, fixed] = await ids('kept.txt', 'large.txt', 'fixed.txt');
  const idsOf = (list: readonly Asked[], path: string): readonly (string | undefined)[] =>
    list.filter((each) => each.path === path).map(({ contentId }) => contentId);
  for (const list of [before, asked]) {
    expect([idsOf(list, 'kept.txt'), idsOf(list, 'large.txt')]).toEqual([[kept], [large]]);
    const others = list.filter(({ path }) => !path.endsWith('.txt'));
    expect(others.length).toBeGreaterThan(0);
    expect(others.every(({ contentId }) => contentId === undefined)).toBe(true);
  }
  expect(idsOf(asked, 'fixed.txt')).toEqual([fixed]);
  expect(idsOf(before, 'fixed.txt')).not.toEqual([fixed]);
  expect(pathsOf(first)).toEqual(['fixed.txt', 'kept.txt']);
  expect(pathsOf(second)).toEqual(['kept.txt']);

  /** Commits everything on a branch without a past, packs it alone, and inspects the pack. */
  async function inspect(message: string, ...options: readonly string[]): Promise<Inspection> {
    await git('add', '.');
    await git('commit', '--quiet', ...options, '--message', message);
    await git('reflog', 'expire', '--expire=now', '--all');
    await git('gc', '--quiet', '--prune=now');
    const paths: string[] = [];
    for await (const path of glob('.git/objects/pack/*.idx', { cwd: directory.path })) paths.push(path);
    expect(paths).toHaveLength(1);
    const index = await openPackIndex(join(directory.path, paths[0] ?? ''), 'sha1', 1_000);
    await using reader = await ObjectReader.open(env, directory.path);
    const tip = oid(await readFile(join(directory.path, '.git/packed-refs'), 'utf8'));
    return await inspectPack({
      ...{
        index,
        objectFormat: 'sha1',
        reader,
        scanner,
        announced: index.count,
        maxPathBytes: 4_096,
        maxBytes: 1_000_000_000,
        signal,
      },
      tips: [{ ref: 'refs/heads/main', oid: tip }],
    });
  }
});

function oid(packedRefs: string): Oid {
  const found = parseOid(/^([0-9a-f]{40}) refs\/heads\/main$/m.exec(packedRefs)?.[1] ?? '', 'sha1');
  if (found === undefined) throw new Error('the branch was not packed');
  return found;
}

function pathsOf({ findings }: Inspection): readonly string[] {
  return findings.map(({ finding }) => finding.path).toSorted();
}
