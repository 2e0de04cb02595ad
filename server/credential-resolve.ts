// From a checked `forges[].credential` to the credential in force. What can be read is read once at the start, so that a
// missing secret is told before the first request; what was read is forgotten again, except from the environment.
import { access, constants } from 'node:fs/promises';
import type { ValuePath } from '../core/yaml.ts';
import { formatBaseUrl } from './address.ts';
import type { ReferenceReader } from './config-references.ts';
import type { CredentialDocument, CredentialRef } from './credential-schema.ts';
import type { ForgeCredential } from './credential-types.ts';
import { githubApiUrl } from './github-api-url.ts';
import type { SecretLines, SecretSource } from './secret-source.ts';

interface Context {
  readonly references: ReferenceReader;
  readonly fault: (path: ValuePath, message: string) => void;
}

/** `forgeUrl`: where the repositories are. Problems are told to `fault`. */
export async function resolveCredential(
  context: Context,
  written: CredentialDocument,
  forgeUrl: URL,
  path: ValuePath,
): Promise<ForgeCredential> {
  const source = (key: string, ref: CredentialRef, lines?: SecretLines): Promise<SecretSource> =>
    resolveSource(context, ref, [...path, key], lines ?? 'one line');
  switch (written.mode) {
    case 'none':
    case 'passthrough':
      return { mode: written.mode };
    case 'basic':
      return {
        mode: 'basic',
        username: written.username,
        password: await source('password', written.password),
      };
    case 'bearer':
      return { mode: 'bearer', token: await source('token', written.token) };
    case 'github-app':
      return {
        mode: 'github-app',
        appId: written.appId,
        privateKey: await source('privateKey', written.privateKey, 'many lines'),
        installation: written.installation,
        apiUrl: written.apiUrl === undefined ? githubApiUrl(forgeUrl) : formatBaseUrl(written.apiUrl),
        allowWorkflows: written.allowWorkflows,
      };
  }
}

async function resolveSource(
  { references, fault }: Context,
  ref: CredentialRef,
  path: ValuePath,
  lines: SecretLines,
): Promise<SecretSource> {
  if ('env' in ref) return { kind: 'value', value: await references.secret(ref, path, lines) };
  if ('file' in ref) {
    await references.secret(ref, path, lines);
    return { kind: 'file', path: references.fileName(ref.file) };
  }
  const [program, ...args] = ref.command;
  await access(program, constants.X_OK).catch(() =>
    fault([...path, 'command'], `couldn't find a program ${program}`),
  );
  return { kind: 'command', program, args, timeout: ref.timeout, cacheFor: ref.cacheFor };
}
