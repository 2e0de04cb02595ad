// What the guard and the process that starts its Git children say to each other. Both ends are this program.
import type { GitCommand, GitEnd } from './spawn-direct.ts';

export type ToSpawner =
  | {
      readonly kind: 'spawn';
      readonly id: number;
      /** Path of the socket to which the child's stdin, stdout and stderr are to be connected. */
      readonly socket: string;
      /** Sent first on each of the three connections: tells whose and which stream it is. */
      readonly names: readonly string[];
      readonly command: GitCommand;
    }
  | { readonly kind: 'kill'; readonly id: number };

export type FromSpawner =
  | { readonly kind: 'started'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string }
  | { readonly kind: 'ended'; readonly id: number; readonly end: GitEnd };

/** Length of a stream's name: 16 random bytes in hex. */
export const streamNameLength = 32;
