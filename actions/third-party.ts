// Names the packages that a bundle holds, with their licences as they come with them: `actions/dist/THIRD-PARTY.txt`.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
});

const packageOf = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const licenceFile = /^(licen[cs]e|copying|notice)/i;

/** The text about the packages of these modules, in the order of their names. Rejects where a licence is not told. */
export async function thirdPartyText(modules: readonly string[]): Promise<string> {
  const directories = new Set(modules.flatMap((id) => packageOf.exec(id.replace(/^\0/, ''))?.[1] ?? []));
  const parts = await Promise.all([...directories].map(describe));
  return [
    'The bundle of the Action holds code of these packages.',
    ...parts.toSorted((left, right) => (left < right ? -1 : 1)),
  ].join(`\n\n${'-'.repeat(80)}\n\n`);
}

async function describe(directory: string): Promise<string> {
  const text = await readFile(join(directory, 'package.json'), 'utf8');
  const { name, version, license } = manifest.parse(JSON.parse(text));
  const files = (await readdir(directory)).filter((file) => licenceFile.test(file)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
  return [`${name} ${version}, ${license}`, ...texts.map(tidy)].join('\n\n');
}

function tidy(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  return lines.join('\n').trim();
}
