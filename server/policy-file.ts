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
  return parsePolicy(bytes.toString('utf8'), file);
}
