// A full clone of 50 MB through the guard against a direct one.
import { rm } from 'node:fs/promises';
import type { BenchCase } from '../bench-case.ts';
import { interleave, secondsOf } from '../measure.ts';
import { sourceFiles } from '../source-text.ts';

/** The clone case. */
export const cloneCase: BenchCase = {
  name: 'clone-50mb',
  title: 'clone of a repository of 2,000 files and 50 MB',
  needs: 'scene',
  run: async (scene, { quick }) => {
    const seed = sourceFiles(3, quick ? 400 : 2000, 25_000);
    const { direct, guarded } = await scene.createRepo('clone', { seed });
    const clone = (url: string) => async (): Promise<number> => {
      let directory = '';
      const seconds = await secondsOf(async () => ({ directory } = await scene.client.clone(url)));
      await rm(directory, { recursive: true });
      return seconds;
    };
    const { base, ours } = await interleave(quick ? 3 : 9, clone(direct), clone(guarded));
    return [{ measure: 'wall time', unit: 's', baseName: 'direct', base, ours }];
  },
};
