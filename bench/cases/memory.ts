// Peak memory of the guard and its children while 1 GB is pushed through it.
import { ok } from '../../test/support/client.ts';
import { sampleMemory } from '../../test/support/process-memory.ts';
import { createRandom } from '../../test/support/random.ts';
import type { BenchCase } from '../bench-case.ts';
import { sampleOf } from '../measure.ts';
import { sourceText } from '../source-text.ts';

const megabyte = 1_000_000;

/** The memory case. */
export const memoryCase: BenchCase = {
  name: 'memory-1gb',
  title: 'peak memory above idle while 1 GB is pushed',
  needs: 'scene',
  run: async (scene, { quick }) => {
    const megabytes = quick ? 128 : 1024;
    const { guarded } = await scene.createRepo('memory');
    // Level 0 keeps the client quick; the bytes that the guard handles are the same.
    const tree = await scene.client.init('unused');
    await tree.git('config', 'core.compression', '0');
    await tree.git('config', 'pack.window', '0');
    // Half text, half noise, in files of 4 MB and 64 kB, so that both small and streamed objects occur.
    const random = createRandom(9);
    const noise = random.bytes(4 * megabyte);
    for (let written = 0, at = 0; written < megabytes; written += 16, at += 1) {
      noise.set(random.bytes(64), (at * 997) % 1_000_000);
      const files: Record<string, string | Uint8Array> = {
        [`noise/${at}-a.bin`]: noise.slice(),
        [`noise/${at}-b.bin`]: noise.toReversed(),
      };
      for (let part = 0; part < 125; part += 1) {
        files[`text/${at}/${part}.ts`] = sourceText(at * 1000 + part, 64_000);
      }
      await tree.write(files);
    }
    const committed = await tree.commit('Add much');
    const idle = await sampleMemory(scene.guard.pid);
    const watch = scene.guard.watchMemory(20);
    const push = ok(
      await tree.push(`${committed}:refs/heads/agent/much`, { to: guarded, deadline: 590_000 }),
    );
    const peaks = await watch.stop();
    const row = (measure: string, bytes: number, note?: string) => ({
      measure,
      unit: 'MB' as const,
      baseName: '',
      base: null,
      ours: sampleOf([bytes / megabyte]),
      ...(note === undefined ? {} : { note }),
    });
    return [
      row('guard at rest', idle.self),
      row('guard above rest', peaks.self - idle.self, `${megabytes} MB in ${push.seconds.toFixed(1)} s`),
      row('children (git)', peaks.children),
      row('guard and children', peaks.together),
      row('own PostgreSQL', peaks.database),
    ];
  },
};
