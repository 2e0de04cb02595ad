// Whether known updates explain where a ref stands: in any order, and with none used where it is not on the way.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gapOf } from '../../../github-app/bypass/gap.ts';
import { lostDeliveries } from '../../../github-app/bypass/deliveries.ts';

const move = (before: string, after: string) => ({ before, after });

describe('where a ref stands', () => {
  test('is explained by the updates that lead there, in whatever order they are known', () => {
    const chain = fc
      .uniqueArray(fc.stringMatching(/^[0-9a-f]{4}$/), { minLength: 2, maxLength: 12 })
      .chain((oids) => {
        const moves = oids.slice(1).map((after, index) => move(oids[index] ?? '', after));
        return fc.tuple(
          fc.constant(oids),
          fc.shuffledSubarray(moves, { minLength: moves.length, maxLength: moves.length }),
        );
      });
    fc.assert(
      fc.property(chain, fc.nat(), ([oids, moves], missing) => {
        const [first = '', last = ''] = [oids[0], oids.at(-1)];
        expect(gapOf(first, last, moves)).toBeUndefined();
        // Without one of them it is that one that is missing.
        const at = missing % moves.length;
        const gone = moves[at] ?? move('', '');
        expect(gapOf(first, last, moves.toSpliced(at, 1))).toEqual(gone);
      }),
    );
  });

  test('is not explained by updates that lead elsewhere, and a circle ends', () => {
    expect(gapOf('a', 'c', [move('a', 'b')])).toEqual(move('b', 'c'));
    expect(gapOf('a', 'c', [move('b', 'c'), move('c', 'b')])).toEqual(move('a', 'b'));
  });
});

describe('webhooks that did not arrive', () => {
  const now = new Date('2026-02-01T12:00:00Z');
  const delivery = (id: number, guid: string, minutes: number, status: number, event = 'push') => ({
    id,
    guid,
    delivered_at: new Date(now.getTime() - minutes * 60_000).toISOString(),
    status_code: status,
    event,
  });

  test('are those of which no attempt arrived, each by its newest, the oldest first', () => {
    const all = [
      delivery(5, 'b', 1, 502),
      delivery(4, 'a', 2, 200),
      delivery(3, 'b', 10, 0),
      delivery(2, 'c', 3, 0),
      delivery(1, 'a', 20, 500),
    ];
    expect(lostDeliveries(all, now).map(({ id }) => id)).toEqual([2, 5]);
  });

  test('are left alone where they were tried often, are new, too old, or not the guard’s', () => {
    const often = [1, 2, 3, 4, 5].map((id) => delivery(id, 'often', id, 500));
    const others = [
      delivery(6, 'new', 0, 0),
      delivery(7, 'old', 3 * 24 * 60 + 1, 0),
      delivery(8, 'other', 5, 0, 'star'),
    ];
    expect(lostDeliveries([...often, ...others], now)).toEqual([]);
  });
});
