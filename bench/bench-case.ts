// What a case of the bench is.
import type { Row } from './measure.ts';
import type { Scene } from './scene.ts';

export interface BenchOptions {
  /** Fewer rounds and smaller inputs: to see that the bench works, not to publish. */
  readonly quick: boolean;
  /** How many entries the log of `audit-evidence` has, where it is told. */
  readonly entries?: number | undefined;
}

interface Described {
  readonly name: string;
  readonly title: string;
}

/** A case with a scene gets upstream, guard and clients; one without measures a part in this process. */
export type BenchCase =
  | (Described & {
      readonly needs: 'scene';
      readonly run: (scene: Scene, options: BenchOptions) => Promise<readonly Row[]>;
    })
  | (Described & {
      readonly needs: 'nothing';
      readonly run: (options: BenchOptions) => Promise<readonly Row[]>;
    });
