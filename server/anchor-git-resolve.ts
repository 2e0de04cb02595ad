// From a checked `audit.anchor.git` to the settings in force.
import { resolve } from 'node:path';
import type { ValuePath } from '../core/yaml.ts';
import { formatBaseUrl } from './address.ts';
import type { AnchorGitDocument } from './anchor-git-schema.ts';
import type { AnchorGitSettings } from './anchor-git-types.ts';
import type { ReferenceReader } from './config-references.ts';
import { resolveCredential } from './credential-resolve.ts';

/** The settings in force. Problems are told to `fault`. */
export async function resolveAnchorGit(
  context: {
    readonly references: ReferenceReader;
    readonly fault: (path: ValuePath, message: string) => void;
    readonly directory: string;
  },
  written: AnchorGitDocument,
): Promise<AnchorGitSettings> {
  const path: ValuePath = ['audit', 'anchor', 'git'];
  const { url, branch, caFile } = written;
  return {
    url: formatBaseUrl(url),
    branch,
    credential: await resolveCredential(context, written.credential, url, [...path, 'credential']),
    ...(caFile === undefined
      ? {}
      : {
          ca: await context.references.certificates(caFile, [...path, 'caFile']),
          caFile: resolve(context.directory, caFile),
        }),
  };
}
