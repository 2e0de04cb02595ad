// Starts a guard and stops it again: everything that was opened is closed, in the opposite order.
import { join } from 'node:path';
import { GuardError } from '../core/errors.ts';
import { buildApp, type App, type AppOptions } from './app.ts';
import type { Config } from './config.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { type SandboxForge, startSandboxForge } from './git/sandbox-forge.ts';
import { prepareSandbox, type SandboxFile, sandboxForgeConfig } from './sandbox.ts';

export interface RunningGuard extends AsyncDisposable {
  /** Base URL under which the guard is reached. */
  readonly url: string;
  readonly app: App;
  readonly sandbox: SandboxFile | undefined;
}

/** Opens the guard and listens. Rejects with a `GuardError`; nothing stays open then. */
export async function startGuard(
  config: Config,
  options: Omit<AppOptions, 'extraForges'>,
): Promise<RunningGuard> {
  await using opened = new AsyncDisposableStack();
  await prepareDataDirectory(config.dataDir);
  let forge: SandboxForge | undefined;
  if (config.sandbox) forge = opened.use(await startSandboxForge(join(config.dataDir, 'sandbox')));
  const app = opened.use(
    await buildApp(config, {
      ...options,
      extraForges: forge === undefined ? [] : [sandboxForgeConfig(forge)],
    }),
  );
  const address = await listen(app, config);
  const url = config.publicUrl ?? address;
  const sandbox = config.sandbox
    ? await prepareSandbox(config.dataDir, url, app.database, app.isGoodToken)
    : undefined;
  const everything = opened.move();
  return { url, app, sandbox, [Symbol.asyncDispose]: () => everything.disposeAsync() };
}

async function listen(app: App, config: Config): Promise<string> {
  const { host, port } = config.listen;
  try {
    const address = await app.http.listen({ host, port });
    return config.listen.tls === undefined ? address : address.replace(/^http:/, 'https:');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EADDRINUSE')
      throw new GuardError('listen/in-use', `port ${port} on ${host} is taken`, { cause });
    throw new GuardError('config/invalid', `couldn't listen on ${host}, port ${port}`, { cause });
  }
}
