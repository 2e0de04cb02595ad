// Whether the guard can prove itself to a forge: its secret can be had, its GitHub App is known. Shows nothing of either.
import { GuardError } from '../core/errors.ts';
import type { ForgeConfig } from '../server/config.ts';
import { createInstallationTokens } from '../server/github-installation.ts';
import { createUpstreamCredential } from '../server/upstream-credential.ts';
import type { Finding } from './doctor-checks.ts';

const now = (): number => performance.now();

/** One line for each forge that is shown something. Runs the program of a secret that comes from one. */
export async function checkCredential(forge: ForgeConfig): Promise<readonly Finding[]> {
  const { credential } = forge;
  if (credential.mode === 'none' || credential.mode === 'passthrough') return [];
  const what = `credential of ${forge.name}`;
  try {
    return [{ grade: 'ok', what, saw: await tryCredential(forge) }];
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    return [{ grade: 'fail', what, saw: error.message, remedy: error.remedy }];
  }
}

async function tryCredential(forge: ForgeConfig): Promise<string> {
  const { credential, ca } = forge;
  if (credential.mode === 'github-app') {
    await using tokens = createInstallationTokens({ app: credential, ca, now });
    const app = await tokens.describeApp();
    return `GitHub knows the App ${app.slug}; it may ${app.permissions.join(', ') || 'nothing'}`;
  }
  await using upstream = createUpstreamCredential(forge, now);
  await upstream.header({ repository: 'forgeguard-doctor', access: 'read' });
  return `${credential.mode}: there is one`;
}
