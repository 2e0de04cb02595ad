// Random bytes in small pieces, for salts and nonces: a call of the generator for each costs more than what they are for.
import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let used = pool.length;

/** So many bytes (at most 256) of the system's generator; each is handed out once and kept nowhere. */
export function drawRandom(bytes: number): Buffer {
  if (bytes > 256) throw new RangeError('larger pieces come from the generator itself');
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const end = used + bytes;
  const drawn = Buffer.from(pool.subarray(used, end));
  pool.fill(0, used, end);
  used = end;
  return drawn;
}
