// A Git directory that processes can be sent to work in.

export interface GitDirectory {
  /** Absolute. */
  readonly path: string;
  /** What a Git child needs to work here; `alternates` are object directories to read through. */
  environment(alternates?: readonly string[]): Record<string, string>;
}
