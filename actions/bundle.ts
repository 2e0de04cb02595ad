// Builds the one file that the runner starts: `node actions/bundle.ts`. The same source and packages give the same bytes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { thirdPartyText } from './third-party.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundleFile = 'actions/dist/main.mjs';
const thirdPartyFile = 'actions/dist/THIRD-PARTY.txt';

export interface Bundle {
  readonly code: string;
  readonly modules: readonly string[];
  /** The packages in it and their licences. */
  readonly thirdParty: string;
}

/** Bundles the Action. `write` puts it in its place; else it is only returned, with the modules that are in it. */
export async function bundleAction(write: boolean): Promise<Bundle> {
  const { output } = await build({
    cwd: root,
    input: 'actions/main.ts',
    platform: 'node',
    // Paths of packages are told as they are in the project, wherever they really lie.
    resolve: { symlinks: false },
    write,
    output: {
      file: bundleFile,
      format: 'esm',
      codeSplitting: false,
      minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
      comments: { legal: true, annotation: false, jsdoc: false },
    },
  });
  const [chunk] = output;
  const thirdParty = `${await thirdPartyText(chunk.moduleIds)}\n`;
  if (write) await writeFile(join(root, thirdPartyFile), thirdParty);
  return { code: chunk.code, modules: chunk.moduleIds, thirdParty };
}

if (import.meta.main) await bundleAction(true);
