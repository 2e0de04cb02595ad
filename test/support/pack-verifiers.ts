// The two verifiers of evidence packs, side by side: ours, and the one for Python that is shipped in the pack.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  parseVerifierKey,
  signatureTypes,
  verifierKeyText,
  type NoteVerifier,
} from '../../core/checkpoint.ts';
import { verifyPack, type VerifyPackOptions } from '../../server/audit/pack/verify-pack.ts';
import { run } from './run.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The key with this text. */
export function verifierKey(text: string): NoteVerifier {
  const key = parseVerifierKey(text);
  if (key === undefined) throw new Error('no key');
  return key;
}

interface Found {
  readonly code: number;
  readonly problems: readonly string[];
}

async function byPython(
  directory: string,
  { key, kept, witnesses, stampedBy }: VerifyPackOptions,
): Promise<Found> {
  await using scratch = await temporaryDirectory('kept');
  const paths = await Promise.all(
    kept.map(async (note, at) => {
      const path = join(scratch.path, String(at));
      await writeFile(path, note);
      return ['--checkpoint', path];
    }),
  );
  const seen = witnesses.flatMap((one) => ['--witness', verifierKeyText(one, signatureTypes.cosignature)]);
  const roots = join(scratch.path, 'roots.pem');
  if (stampedBy !== undefined) await writeFile(roots, stampedBy);
  const tsa = stampedBy === undefined ? [] : ['--tsa', roots];
  const args = ['--key', verifierKeyText(key), ...paths.flat(), ...seen, ...tsa, directory];
  const result = await run('python3', [join(directory, 'verify.py'), ...args], {
    env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' },
  });
  expect(result.stderr).toBe('');
  expect(result.stdout).toMatch(result.code === 0 ? /\nok\n$/ : /\nNOT OK\n$/);
  const lines = result.stdout.split('\n').filter((line) => line.startsWith('problem at '));
  return { code: result.code ?? -1, problems: lines.toSorted() };
}

async function byUs(directory: string, options: VerifyPackOptions): Promise<Found> {
  const result = await verifyPack(directory, options);
  const problems = result.problems.map(({ kind, at, message }) => `problem at ${at}: ${message} (${kind})`);
  return { code: result.ok ? 0 : 1, problems: problems.toSorted() };
}

/** The problems that both find in the pack of a directory; fails where they differ in a word. */
export async function bothVerifiersFind(
  directory: string,
  options: VerifyPackOptions,
): Promise<readonly string[]> {
  const ours = await byUs(directory, options);
  expect(await byPython(directory, options)).toEqual(ours);
  return ours.problems;
}
