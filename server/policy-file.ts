// Reads the operator's policy from its file.
import { GuardError } from '../core/errors.ts';
import { parsePolicy } from '../core/policy.ts';
import type { Policy } from '../core/policy.ts';
import { readBoundedFile } from './bounded-file.ts';

const longestPolicy = 1_048_576;

/** Reads and checks one policy file. Rejects with `config/unreadable` or `policy/invalid`. */
export async function readPolicyFile(file: string): Promise<Policy> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readBoundedFile(file, longestPolicy);
  } catch (error) {
    throw new GuardError('config/unreadable', `couldn't read the policy ${file}`, { cause: error });
  }
  if (bytes === undefined) {
    throw new GuardError('policy/invalid', `the policy ${file} is larger than ${longestPolicy} bytes`);
  }
  return parsePolicy(decode(bytes, file), file);
}

/** The text whose UTF-8 bytes are the file's, so that the digest of the policy is that of the file. */
function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new GuardError('policy/invalid', `the policy ${file} is not UTF-8`, { cause: error });
  }
}
