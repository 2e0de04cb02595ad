// Where guards of one log keep its last checkpoint besides. What is there only ever moves forward.

export interface SharedCheckpoint {
  /** The name of the log. */
  readonly origin: string;
  readonly size: number;
  readonly note: string;
}

export interface CheckpointStore {
  /** How often it is brought up to date, in ms. */
  readonly everyMs: number;
  /** Makes it ready; rejects where it cannot keep what is put there. */
  prepare(): Promise<void>;
  /** The largest checkpoint that any guard of the log has put there. */
  read(origin: string): Promise<string | undefined>;
  /** Puts a checkpoint there, unless one of as many entries or more is; whether it was put. */
  advance(checkpoint: SharedCheckpoint): Promise<boolean>;
}
