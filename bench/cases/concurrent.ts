// Many small pushes at once, each by a git process of its own.
import type { BenchCase } from '../bench-case.ts';
import { interleave, type Row, sampleOf } from '../measure.ts';
import type { Scene } from '../scene.ts';
import { sourceFiles, sourceText } from '../source-text.ts';

async function rowsOf(scene: Scene, at: number, rounds: number): Promise<readonly Row[]> {
  const { direct, guarded } = await scene.createRepo(`concurrent-${at}`, { seed: sourceFiles(4, 50, 2000) });
  const tree = await scene.client.clone(direct);
  const refused: string[] = [];
  /** One commit for each push, none of which the others have; returns the wall time of all. */
  const pushAll =
    (label: string, url: string) =>
    async (round: number): Promise<number> => {
      const oids: string[] = [];
      for (let number = 0; number < at; number += 1) {
        await tree.git('checkout', '--quiet', '--detach', 'origin/main');
        oids.push(
          await tree.commit(`${label} ${round} ${number}`, { 'src/change.ts': sourceText(number, 200) }),
        );
      }
      const started = performance.now();
      const done = await Promise.all(
        oids.map((oid, number) =>
          tree.push(`${oid}:refs/heads/agent/${label}-${round}-${number}`, { to: url, deadline: 300_000 }),
        ),
      );
      refused.push(...done.filter(({ code }) => code !== 0).map(({ stderr }) => `${label}: ${stderr}`));
      return (performance.now() - started) / 1000;
    };
  const { base, ours } = await interleave(rounds, pushAll('direct', direct), pushAll('guarded', guarded), 0);
  // A refused push is quick: figures with some of them would say nothing.
  if (refused.length > 0) throw new Error(`${refused.length} pushes failed, such as ${refused[0]}`);
  return [
    { measure: 'all landed', unit: 's', baseName: 'direct', base, ours },
    {
      measure: 'pushes',
      unit: '1/s',
      baseName: 'direct',
      base: sampleOf(base.values.map((seconds) => at / seconds)),
      ours: sampleOf(ours.values.map((seconds) => at / seconds)),
    },
  ];
}

/** 20 and 200 pushes at once. */
export const concurrentCases: readonly BenchCase[] = [
  {
    name: 'concurrent-20',
    title: '20 small pushes at once',
    needs: 'scene',
    run: (scene, { quick }) => rowsOf(scene, 20, quick ? 1 : 5),
  },
  {
    name: 'concurrent-200',
    title: '200 small pushes at once',
    needs: 'scene',
    run: (scene, { quick }) => rowsOf(scene, quick ? 60 : 200, quick ? 1 : 2),
  },
];
