// What a Git child needs to read from an upstream: where the gateway is and the key to it, by environment, never by
// argument, and nothing that would let it go anywhere else.
import type { GitRemote } from './gateway.ts';

/** The environment of a child that reads. Holds the key of the gateway: hand it to the child and forget it. */
export function remoteEnvironment(remote: GitRemote): Record<string, string> {
  const settings: readonly (readonly [string, string])[] = [
    ['remote.origin.url', remote.url],
    ['remote.origin.promisor', 'true'],
    ['http.followRedirects', 'false'],
    ['http.proxy', ''],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '60'],
    ['credential.helper', ''],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['transfer.bundleURI', 'false'],
    ['fetch.uriProtocols', ''],
    ['core.askPass', 'true'],
    ...remote.headers.map((header): readonly [string, string] => ['http.extraHeader', header]),
  ];
  const environment: Record<string, string> = {
    GIT_ALLOW_PROTOCOL: 'http',
    GIT_CONFIG_COUNT: String(settings.length),
  };
  for (const [index, [key, value]] of settings.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}
