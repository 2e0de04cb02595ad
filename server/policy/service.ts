// The policy in force: the operator's file or the default, read once at the start. Implements the port of core.
import { asksAboutPaths, asksAboutSignatures, compilePolicy, decide } from '../../core/decide.ts';
import { compileAuthors } from '../../core/policy/authors.ts';
import { defaultPolicy, defaultPolicyName } from '../../core/default-policy.ts';
import type { PolicyService } from '../../core/services.ts';
import { readPolicyFile } from '../policy-file.ts';

export interface LoadedPolicy extends PolicyService {
  /** The file, or `default policy`. */
  readonly source: string;
  /** The text in force; its SHA-256 is `digest`. */
  readonly text: string;
}

/**
 * Loads the policy from `file`, or the default policy where none is named. Rejects with `config/unreadable` or
 * `policy/invalid`.
 */
export async function createPolicyService(options: {
  readonly file: string | undefined;
}): Promise<LoadedPolicy> {
  const policy = options.file === undefined ? defaultPolicy() : await readPolicyFile(options.file);
  const compiled = compilePolicy(policy);
  return {
    source: options.file ?? defaultPolicyName,
    text: policy.text,
    digest: policy.digest,
    decide: (operation, now) => decide(compiled, operation, now),
    asksAboutPaths: (operation) => asksAboutPaths(compiled, operation),
    asksAboutSignatures: (operation) => asksAboutSignatures(compiled, operation),
    authors: compileAuthors(policy.authors),
  };
}
