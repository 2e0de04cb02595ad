// Recordings: what is written is read again, what is none is refused, and nothing of one moves the terminal but colours.
import { expect, test } from 'vitest';
import {
  castHeaderLine,
  castOutputLine,
  readCastEvent,
  readCastHeader,
  tameTerminal,
} from '../../core/asciicast.ts';

test('a header is read as it was written', () => {
  const startedAt = new Date('2026-03-01T12:00:00Z');
  const line = castHeaderLine({ width: 100, height: 30, startedAt });
  expect(JSON.parse(line)).toEqual({ version: 2, width: 100, height: 30, timestamp: 1_772_366_400 });
  expect(readCastHeader(line)).toEqual({ width: 100, height: 30, startedAt });
});

test.each(['', '{}', '[]', '{"version":3,"width":1,"height":1}', '{"version":2,"width":0,"height":1}', 'x'])(
  'no header: %s',
  (line) => {
    expect(readCastHeader(line)).toBeUndefined();
  },
);

test('output is read as it was written, with lines that a terminal shows as such', () => {
  const line = castOutputLine({ at: 1.5, text: 'a\nb\r\nc\ud800' });
  expect(JSON.parse(line)).toEqual([1.5, 'o', 'a\r\nb\r\nc\ufffd']);
  expect(readCastEvent(line)).toEqual({ at: 1.5, text: 'a\r\nb\r\nc\ufffd' });
  expect(readCastEvent('[2, "m", "marker"]')).toBe('other');
  for (const none of ['', '{}', '[1]', '[-1, "o", "x"]', '["1", "o", "x"]'])
    expect(readCastEvent(none)).toBeUndefined();
});

test.each([
  ['colours stay', '\x1b[1;31mred\x1b[0m', '\x1b[1;31mred\x1b[0m'],
  ['the cursor does not move', 'a\x1b[2Jb\x1b[10;10Hc', 'abc'],
  ['titles are not set', 'a\x1b]0;title\x07b\x1b]8;;https://x\x1b\\c', 'abc'],
  ['the clipboard is not set', '\x1b]52;c;eA==\x07x', 'x'],
  ['nothing is asked', '\x1b[6n\x1b[c\x05x', 'x'],
  ['lines, returns and tabs stay', 'a\tb\r\n', 'a\tb\r\n'],
  ['bells and backspaces go', 'a\x07\x08\x7f\x9bb', 'ab'],
  ['a lone escape goes', 'a\x1b', 'a'],
])('%s', (_what, text, tame) => {
  expect(tameTerminal(text)).toBe(tame);
});
