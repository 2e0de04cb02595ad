// Pushes of one client: small, one line into a large repository, and 50 MB in 2,000 files.
import { ok, type GitClient, type WorkTree } from '../../test/support/client.ts';
import type { BenchCase } from '../bench-case.ts';
import { interleave, type Row, sampleOf } from '../measure.ts';
import type { Scene } from '../scene.ts';
import { sourceFiles, sourceText } from '../source-text.ts';

/** Returns a function that pushes HEAD to a new branch `agent/…` at `url` and returns the seconds it took. */
function pusher(tree: WorkTree, url: string, label: string): (round: number) => Promise<number> {
  return async (round) => ok(await tree.push(`HEAD:refs/heads/agent/${label}-${round}`, { to: url })).seconds;
}

/** The same, after a fresh one-line commit that is not timed. */
function linePusher(tree: WorkTree, url: string, label: string): (round: number) => Promise<number> {
  const push = pusher(tree, url, label);
  return async (round) => {
    await tree.commit(`Change ${label} ${round}`, { 'src/change.ts': sourceText(round, 60) });
    return push(round);
  };
}

async function lineRows(scene: Scene, name: string, files: number, rounds: number): Promise<readonly Row[]> {
  const seed = sourceFiles(1, files, 25_000);
  const { direct, guarded } = await scene.createRepo(name, { seed });
  const [directTree, guardedTree] = [await scene.client.clone(direct), await scene.client.clone(direct)];
  const pushGuarded = linePusher(guardedTree, guarded, 'guarded');
  const first = await pushGuarded(-1);
  const { base, ours } = await interleave(rounds, linePusher(directTree, direct, 'direct'), pushGuarded);
  return [
    { measure: 'wall time', unit: 's', baseName: 'direct', base, ours },
    {
      measure: 'overhead',
      unit: 'ms',
      baseName: '',
      base: null,
      ours: sampleOf([(ours.median - base.median) * 1000]),
      note: 'difference of the medians',
    },
    {
      measure: 'first push',
      unit: 's',
      baseName: 'direct',
      base,
      ours: sampleOf([first]),
      note: 'cold caches',
    },
  ];
}

async function treeOf(client: GitClient, files: Readonly<Record<string, string>>): Promise<WorkTree> {
  const tree = await client.init('unused');
  await tree.commit('Add the sources', files);
  return tree;
}

/** The push cases. */
export const pushCases: readonly BenchCase[] = [
  {
    name: 'small-push',
    title: 'one commit of one line into a repository of 50 files',
    needs: 'scene',
    run: (scene, { quick }) => lineRows(scene, 'small', 50, quick ? 5 : 21),
  },
  {
    name: 'line-push-50mb',
    title: 'one commit of one line into a repository of 2,000 files and 50 MB',
    needs: 'scene',
    run: (scene, { quick }) => lineRows(scene, 'large', quick ? 400 : 2000, quick ? 3 : 11),
  },
  {
    name: 'push-50mb',
    title: 'one commit of 2,000 new files and 50 MB',
    needs: 'scene',
    run: async (scene, { quick }) => {
      const tree = await treeOf(scene.client, sourceFiles(2, quick ? 400 : 2000, 25_000));
      // Every push goes to an empty repository of its own, or the objects would be there already.
      const fresh = async (label: string, round: number): Promise<number> => {
        const repo = await scene.createRepo(`bulk-${label}-${round}`);
        return pusher(tree, label === 'direct' ? repo.direct : repo.guarded, label)(round);
      };
      const { base, ours } = await interleave(
        quick ? 2 : 5,
        (round) => fresh('direct', round),
        (round) => fresh('guarded', round),
      );
      return [{ measure: 'wall time', unit: 's', baseName: 'direct', base, ours }];
    },
  },
];
