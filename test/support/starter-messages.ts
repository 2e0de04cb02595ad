// What a test and the small process that starts its programs say to each other. Both ends are these tests.
export interface StartRequest {
  readonly id: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly input: string | Uint8Array | undefined;
  /** Milliseconds until the program and its children are killed. */
  readonly deadline: number;
}

export type StartAnswer =
  | {
      readonly id: number;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
      readonly stdout: Uint8Array;
      readonly stderr: Uint8Array;
      /** Wall-clock seconds. */
      readonly seconds: number;
    }
  | { readonly id: number; readonly problem: string };
