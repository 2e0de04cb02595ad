// The pack as it is forwarded: the file that was received, or, where it held objects that no ref of the push reaches,
// a new one without them.
import { GuardError } from '../../core/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { exitOf, spawnGit } from './process.ts';
import type { Pack, Quarantine } from './quarantine.ts';
import type { ObjectGraph } from './object-graph.ts';

export type HeldPack =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'repacked'; readonly open: () => AsyncGenerator<Uint8Array> };

/** Decides which it is. */
export function packToForward(
  quarantine: Quarantine,
  pack: Pack,
  graph: ObjectGraph,
  dropped: ReadonlySet<number>,
): HeldPack {
  if (dropped.size === 0) return { kind: 'file', path: pack.path };
  return { kind: 'repacked', open: () => repack(quarantine, graph, dropped) };
}

async function* repack(
  quarantine: Quarantine,
  graph: ObjectGraph,
  dropped: ReadonlySet<number>,
): AsyncGenerator<Uint8Array> {
  const child = await spawnGit(
    ['-c', 'pack.threads=2', 'pack-objects', '--stdout', '--quiet', '--delta-base-offset'],
    {
      cwd: quarantine.path,
      env: quarantine.environment([]),
    },
  );
  const exit = exitOf(child);
  try {
    const kept = graph.index.byOffset.filter((object) => !dropped.has(object));
    child.stdin.end(Array.from(kept, (object) => `${graph.index.oid(object)}\n`).join(''));
    yield* new ByteReader(child.stdout).remaining();
    const { code } = await exit;
    if (code !== 0) throw new GuardError('internal', "couldn't pack the objects of the push again");
  } finally {
    child.kill();
  }
}
