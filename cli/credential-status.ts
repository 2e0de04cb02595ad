// `forgeguard credential status`: which identity would be used, and what is kept of it.
import process from 'node:process';
import { GuardError } from '../core/errors.ts';
import { openCredentialSession } from './credential-session.ts';
import { type CredentialFlags, readCredentialSettings } from './credential-settings.ts';
import { chooseSource, needsOf, sourceNames } from './token-sources.ts';

/** Prints it; ends with 1 where there is no identity or no guard. */
export async function status(flags: CredentialFlags & { readonly repository?: string }): Promise<void> {
  const settings = await readCredentialSettings(flags);
  const row = (name: string, text: string): void => void process.stdout.write(`${name.padEnd(15)} ${text}\n`);
  row('guard', settings.guard?.origin ?? 'none: name it with --guard or FORGEGUARD_URL');
  const chosen = await chooseSource(settings.source, settings.forSources).catch((thrown: unknown) => {
    if (thrown instanceof GuardError) return thrown;
    throw thrown;
  });
  row(
    'source',
    chosen instanceof GuardError ? `none: ${chosen.message}` : `${chosen.name}: ${chosen.found.shown}`,
  );
  const isTold = flags.repository !== undefined || settings.scope !== undefined;
  if (
    settings.guard !== undefined &&
    !(chosen instanceof GuardError) &&
    (isTold || chosen.name !== 'login')
  ) {
    const session = await openCredentialSession(settings.guard, flags.repository, settings);
    const kept = await session.kept();
    const until = (kept?.expiresAt ?? 0) * 1000;
    row('kept token', until > Date.now() ? `until ${new Date(until).toISOString()}` : 'none');
  }
  process.stdout.write('\nlooked for, in this order:\n');
  for (const name of sourceNames) row(name, needsOf(name));
  if (settings.guard === undefined || chosen instanceof GuardError) process.exitCode = 1;
}
