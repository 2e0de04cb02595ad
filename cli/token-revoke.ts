// `forgeguard token revoke`: ends a token, a session, or everything that an agent or a person has, while guards run or not.
import { userInfo } from 'node:os';
import process from 'node:process';
import type { Command } from 'commander';
import { GuardError } from '../core/errors.ts';
import { environment, loadConfig } from '../server/config.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { createRevocationOffice } from '../server/identity/revocations.ts';
import { createTokenOffice } from '../server/identity/tokens.ts';

interface RevokeFlags {
  readonly config?: string;
  readonly format: 'text' | 'json';
  readonly session?: string;
  readonly agent?: string;
  readonly workload?: string;
  readonly owner?: string;
}

/** What is to be revoked. */
type Target =
  | { readonly kind: 'token'; readonly id: string }
  | { readonly kind: 'session'; readonly id: string }
  | { readonly kind: 'principal'; readonly id: string };

function targetOf(id: string | undefined, flags: RevokeFlags): Target {
  const targets: readonly Target[] = [
    ...(id === undefined ? [] : [tokenOrSession(id)]),
    ...(flags.session === undefined ? [] : [{ kind: 'session', id: flags.session } as const]),
    ...(flags.agent === undefined ? [] : [principal('agent', flags.agent)]),
    ...(flags.workload === undefined ? [] : [principal('workload', flags.workload)]),
    ...(flags.owner === undefined ? [] : [principal('human', flags.owner)]),
  ];
  const [target, ...others] = targets;
  if (target === undefined || others.length > 0)
    throw new GuardError('input/invalid', 'name one: an id, --session, --agent, --workload or --owner');
  return target;
}

function tokenOrSession(id: string): Target {
  return { kind: /^(?:ses|jwt)-/.test(id) ? 'session' : 'token', id };
}

function principal(kind: string, name: string): Target {
  return { kind: 'principal', id: /^(?:agent|human|workload):/.test(name) ? name : `${kind}:${name}` };
}

async function revoke(id: string | undefined, flags: RevokeFlags): Promise<void> {
  const target = targetOf(id, flags);
  const by = `local:${userInfo().username}`;
  const config = await loadConfig({ file: flags.config, env: environment() });
  const clock = { now: () => new Date() };
  const what = await withConfiguredDatabase(config, async (database) => {
    switch (target.kind) {
      case 'token': {
        const { maxLifetime } = config.identity.tokens;
        const record = await createTokenOffice({ database, clock, maxLifetime }).revoke(target.id, by);
        return `${record.id} of ${record.principal}`;
      }
      case 'session':
        await createRevocationOffice(database, clock).revokeSession(target.id, by);
        return target.id;
      case 'principal':
        await createRevocationOffice(database, clock).revokePrincipal(target.id, by);
        return `everything that ${target.id} has, and what others have for it,`;
    }
  });
  const text = `${what} is revoked; a running guard refuses it within a second`;
  process.stdout.write(
    `${flags.format === 'json' ? JSON.stringify({ revoked: target, by }, null, 2) : text}\n`,
  );
}

/** Describes `token revoke`; `command` has the options that all commands of `token` have. */
export function describeRevoke(command: Command): void {
  command
    .description('revoke a token, a session, or all that an agent or a person has')
    .argument('[id]', 'id of a token as `token list` shows it, or of a session as the audit log has it')
    .option('--session <id>', 'a session: `ses-…`, or `jwt-…` for a token of an issuer')
    .option('--agent <id>', 'everything that the agent has')
    .option('--workload <id>', 'everything that the build or machine has')
    .option('--owner <person>', 'everything of a person, and of all that acts for it or belongs to it')
    .action(revoke);
}
