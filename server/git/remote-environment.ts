// What a Git child needs to read from an upstream: its URL and credential by environment, never by argument, and
// nothing that would let it go anywhere else.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitRemote } from './upstream.ts';

/** Where the upstream's CA certificate is laid down for Git. */
export function pathOfCa(directory: string): string {
  return join(directory, 'ca.pem');
}

/** The environment for one fetch. Holds the credential: hand it to the child and forget it. */
export async function remoteEnvironment(remote: GitRemote, caPath: string): Promise<Record<string, string>> {
  const settings: (readonly [string, string])[] = [
    ['remote.origin.url', remote.url],
    ['remote.origin.promisor', 'true'],
    ['http.followRedirects', 'false'],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '60'],
    ['credential.helper', ''],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['transfer.bundleURI', 'false'],
    ['fetch.uriProtocols', ''],
    ['core.askPass', 'true'],
  ];
  if (remote.authorization !== undefined) {
    settings.push([
      `http.${new URL(remote.url).origin}/.extraHeader`,
      `Authorization: ${remote.authorization}`,
    ]);
  }
  if (remote.ca !== undefined) {
    await writeFile(caPath, remote.ca);
    settings.push(['http.sslCAInfo', caPath]);
  }
  const environment: Record<string, string> = {
    GIT_ALLOW_PROTOCOL: 'http:https',
    GIT_CONFIG_COUNT: String(settings.length),
  };
  for (const [index, [key, value]] of settings.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}
