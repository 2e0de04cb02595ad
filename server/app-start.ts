// What the audit log is told of a guard's start and stop.
import { randomBytes } from 'node:crypto';
import type { AuditLog } from '../core/services.ts';
import type { Config } from './config.ts';
import type { LoadedPolicy } from './policy/service.ts';
import { version } from './version.ts';

/** An event about the guard itself. */
export function guardEvent(
  action: 'guard.started' | 'guard.stopped' | 'guard.weakened' | 'policy.loaded',
  details: Readonly<Record<string, string | number | readonly string[]>>,
) {
  return { action, request: randomBytes(8).toString('hex'), actor: null, repository: null, details } as const;
}

/** Records the start; the policy's text is kept, so that every decision can be read against the rules that made it. */
export async function recordStart(
  audit: Pick<AuditLog, 'append'>,
  config: Config,
  policy: LoadedPolicy,
  settled: number,
): Promise<void> {
  await Promise.all([
    audit.append(
      guardEvent('guard.started', { version, settled, forges: config.forges.map((forge) => forge.name) }),
    ),
    audit.append(
      guardEvent('policy.loaded', { digest: policy.digest, source: policy.source, text: policy.text }),
    ),
    ...config.weakenings.map((weakening) => audit.append(guardEvent('guard.weakened', { weakening }))),
  ]);
}
