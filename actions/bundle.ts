// Builds the one file that the runner starts: `node actions/bundle.ts`. The same source and packages give the same bytes.
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
export const bundleFile = 'actions/dist/main.mjs';

/** Bundles the Action. `write` puts it in its place; else it is only returned, with the modules that are in it. */
export async function bundleAction(
  write: boolean,
): Promise<{ readonly code: string; readonly modules: readonly string[] }> {
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
  return { code: chunk.code, modules: chunk.moduleIds };
}

if (import.meta.main) await bundleAction(true);
