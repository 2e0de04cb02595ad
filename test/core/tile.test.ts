// Names of tiles: the examples of the specification, the round trip, and everything that is no name.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTilePath, tilePath, tilesOf } from '../../core/tile.ts';

describe('the path of a tile', () => {
  test.each([
    [{ level: 0, index: 1_234_067, width: 256 }, '0/x001/x234/067'],
    [{ level: 0, index: 0, width: 256 }, '0/000'],
    [{ level: 2, index: 0, width: 1 }, '2/000.p/1'],
    [{ level: 'entries', index: 273, width: 112 }, 'entries/273.p/112'],
    [{ level: 63, index: 1000, width: 255 }, '63/x001/000.p/255'],
  ] as const)('%o', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  test('survives the round trip', () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const));
    const tile = fc.record({
      level,
      index: fc.integer({ min: 0, max: 10 ** 14 }),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(tile, (id) => {
        expect(parseTilePath(tilePath(id))).toEqual(id);
      }),
    );
  });

  test.each([
    '',
    '0',
    '0/',
    '0/0',
    '0/00',
    '0/0000',
    '00/000',
    '64/000',
    '-1/000',
    '0/x000/001',
    '0/x001',
    '0/001/002',
    '0/x001/x002',
    '0/000.p/0',
    '0/000.p/256',
    '0/000.p/01',
    '0/000.p/',
    '0/000/',
    '/0/000',
    'entry/000',
    'entries/000.P/1',
    '0/000\n',
    '0/x000/x000/x000/x000/x001/000',
  ])('%j is none', (path) => expect(parseTilePath(path)).toBeUndefined());
});

test('a log of 70,000 entries has the tiles that the specification counts', () => {
  const tiles = [...tilesOf(70_000)];
  const of = (level: number | 'entries'): readonly string[] =>
    tiles.filter((tile) => tile.level === level).map(tilePath);
  expect(of(0).length).toBe(274);
  expect(of(0).at(-1)).toBe('0/273.p/112');
  expect(of(1)).toEqual(['1/000', '1/001.p/17']);
  expect(of(2)).toEqual(['2/000.p/1']);
  expect(of('entries').length).toBe(274);
  expect([...tilesOf(256)].map(tilePath)).toEqual(['0/000', '1/000.p/1', 'entries/000']);
  expect([...tilesOf(0)]).toEqual([]);
});
