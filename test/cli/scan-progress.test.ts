// The progress line of a scan: only on a terminal, in its width, and taken away at the end.
import { expect, test } from 'vitest';
import { startProgress } from '../../cli/scan-progress.ts';

function screen(isTTY: boolean) {
  const written: string[] = [];
  return { written, terminal: { isTTY, columns: 60, write: (text: string) => written.push(text) } };
}

test('draws at most ten times a second, in the width of the terminal', () => {
  const { written, terminal } = screen(true);
  let now = 0;
  const progress = startProgress(200, terminal, () => now);
  for (let at = 0; at < 200; at++) {
    progress.advance(1024, 1);
    now += 10;
  }
  progress.stop();
  expect(written).toHaveLength(21);
  expect(written[10]).toMatch(/^\r\u001b\[2K\[#{12}-{12}\] 50 % {2}101 of 200, 101 KiB, 101 f/);
  expect(Math.max(...written.map((text) => text.length - 5))).toBeLessThan(60);
  expect(written.at(-1)).toBe('\r\u001b[2K');
});

test('counts where the end is not known, and is silent where nobody looks', () => {
  const seen = screen(true);
  startProgress(undefined, seen.terminal, () => 0).advance(5 * 1024 * 1024 + 7, 0);
  expect(seen.written.join('')).toContain('scanning: 1 done, 5 MiB, 0 found');
  const unseen = screen(false);
  const progress = startProgress(3, unseen.terminal);
  progress.advance(1, 1);
  progress.stop();
  expect(unseen.written).toEqual([]);
});
