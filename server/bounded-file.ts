// Reads small files that the operator names, never more of them than a cap.
import { open } from 'node:fs/promises';

/** The bytes of the file, or undefined where it has more than `cap`. Rejects as `fs` does where it cannot be read. */
export async function readBoundedFile(path: string, cap: number): Promise<Buffer | undefined> {
  await using file = await open(path);
  const buffer = Buffer.alloc(cap + 1);
  let length = 0;
  while (length <= cap) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  return undefined;
}
