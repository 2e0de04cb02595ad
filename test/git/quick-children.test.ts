// Children that say nothing and end at once, many at a time: each is seen to end.
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { runGit, useSpawner } from '../../server/git/process.ts';

test('the end of a child is noticed, however soon it comes', async () => {
  await using spawner = await useSpawner();
  expect(spawner).toBeDefined();
  const ends: number[] = [];
  const worker = async (): Promise<void> => {
    for (let left = 40; left > 0; left -= 1) {
      const { code, stdout } = await runGit(['check-ref-format', 'refs/heads/topic'], { cwd: tmpdir() });
      if (stdout.length === 0) ends.push(code);
    }
  };
  await Promise.all(Array.from({ length: 12 }, worker));
  expect(ends).toEqual(Array.from({ length: 480 }, () => 0));
});
