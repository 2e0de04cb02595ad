// A directory that lasts as long as its user: `await using directory = await temporaryDirectory('name')`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
  remove(): Promise<void>;
}

/** Makes an empty directory whose name starts with `forgeguard-<label>-`. */
export async function temporaryDirectory(label: string): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), `forgeguard-${label}-`));
  // Git makes its object files read-only and a child may still be writing: try again a little.
  const remove = (): Promise<void> =>
    rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}
