// What is shown of text that others wrote, and the push options that are ours.
import { describe, expect, it } from 'vitest';
import { plainText } from '../../server/git/plain-text.ts';
import { readGuardOptions } from '../../server/git/push-options.ts';

describe('text of others on a terminal', () => {
  it('escapes controls, bidirectional marks and invisible characters', () => {
    expect(plainText('a\x1b[31mb\u202Ec\u200bd\n')).toBe('a\\u{1b}[31mb\\u{202e}c\\u{200b}d\\u{a}');
  });

  it('leaves letters of any script alone and cuts what is long', () => {
    expect(plainText('Ünïcödé 漢字')).toBe('Ünïcödé 漢字');
    expect(plainText('x'.repeat(400), 10)).toBe('xxxxxxxxx…');
  });
});

describe('push options of the guard', () => {
  it('are taken out of what is forwarded', () => {
    const read = readGuardOptions(['ci.skip', 'forgeguard.format=json', 'forgeguard.reason=fix = good']);
    expect(read).toEqual({
      guard: { format: 'json', reason: 'fix = good', waitSeconds: 0 },
      forwarded: ['ci.skip'],
    });
  });

  it.each([
    'forgeguard.fromat=json',
    'forgeguard.format=xml',
    'forgeguard.reason=',
    'forgeguard.wait=soon',
    'forgeguard.wait=3601',
  ])('%s is refused', (option) => {
    expect(() => readGuardOptions([option])).toThrow(expect.objectContaining({ code: 'git/malformed' }));
  });
});
