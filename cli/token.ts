// `forgeguard token`: issues, lists and revokes guard tokens in the guard's database, while the guard runs or not. A
// token is shown once, when it is issued.
import { X509Certificate } from 'node:crypto';
import { userInfo } from 'node:os';
import process from 'node:process';
import type { Command } from 'commander';
import { parseDuration } from '../core/duration.ts';
import { certificateThumbprint } from '../core/certificate-thumbprint.ts';
import { GuardError } from '../core/errors.ts';
import { verbs } from '../core/principal.ts';
import type { PrincipalKind } from '../core/principal.ts';
import { formatScope, parseScope } from '../core/scope-text.ts';
import { readBoundedFile } from '../server/bounded-file.ts';
import { environment, loadConfig } from '../server/config.ts';
import { withConfiguredDatabase } from '../server/configured-database.ts';
import { createTokenOffice } from '../server/identity/tokens.ts';
import type { TokenOffice, TokenRequest } from '../server/identity/tokens.ts';
import type { TokenRecord } from '../server/identity/store.ts';
import { describeRevoke } from './token-revoke.ts';

type Format = 'text' | 'json';

interface CommonFlags {
  readonly config?: string;
  readonly format: Format;
}

interface CreateFlags extends CommonFlags {
  readonly agent?: string;
  readonly human?: string;
  readonly workload?: string;
  readonly owner?: string;
  readonly purpose: string;
  readonly expires: string;
  readonly scope: readonly string[];
  readonly certificate?: string;
  readonly group: readonly string[];
  readonly onBehalfOf: readonly string[];
}

async function withOffice<T>(
  configFile: string | undefined,
  work: (office: TokenOffice) => Promise<T>,
): Promise<T> {
  const config = await loadConfig({ file: configFile, env: environment() });
  const { maxLifetime } = config.identity.tokens;
  const clock = { now: () => new Date() };
  return withConfiguredDatabase(config, (database) =>
    work(createTokenOffice({ database, clock, maxLifetime })),
  );
}

function refuse(message: string): never {
  throw new GuardError('input/invalid', message);
}

function readWho(flags: CreateFlags): { readonly kind: PrincipalKind; readonly name: string } {
  const given = (['agent', 'human', 'workload'] as const).flatMap((kind) => {
    const name = flags[kind];
    return name === undefined
      ? []
      : [{ kind, name: name.startsWith(`${kind}:`) ? name.slice(kind.length + 1) : name }];
  });
  const [who, ...others] = given;
  if (who === undefined || others.length > 0) return refuse('name one of --agent, --human and --workload');
  return who;
}

function readScope(text: string): TokenRequest['scopes'][number] {
  const scope = parseScope(text);
  if ('fault' in scope) return refuse(`--scope: ${scope.fault}`);
  const { repository, verbs: listed, refs } = scope;
  return { repository, verbs: [...listed], ...(refs === undefined ? {} : { refs: [...refs] }) };
}

/** A person without a kind is a human. */
function readPerson(text: string): string {
  return /^(agent|human|workload):/.test(text) ? text : `human:${text}`;
}

async function readThumbprint(file: string): Promise<string> {
  const bytes = await readBoundedFile(file, 65_536).catch((cause: unknown) => {
    throw new GuardError('input/unreadable', `couldn't read ${file}`, { cause });
  });
  try {
    return certificateThumbprint(new X509Certificate(bytes ?? '').raw);
  } catch {
    return refuse('--certificate: the file does not begin with a certificate in PEM');
  }
}

async function create(flags: CreateFlags): Promise<void> {
  const who = readWho(flags);
  const owner = flags.owner ?? (who.kind === 'human' ? who.name : undefined);
  if (owner === undefined) refuse('an agent or workload needs --owner, the person who answers for it');
  const lifetime = parseDuration(flags.expires) ?? refuse('--expires is a time span such as 12h or 30d');
  const behalf = flags.onBehalfOf.map(readPerson);
  const certificate = flags.certificate === undefined ? null : await readThumbprint(flags.certificate);
  const issued = await withOffice(flags.config, (office) =>
    office.issue({
      ...who,
      owner: readPerson(owner),
      purpose: flags.purpose,
      groups: [...flags.group],
      // An agent acts for its owner unless it is said for whom else.
      onBehalfOf: behalf.length === 0 && who.kind === 'agent' ? [readPerson(owner)] : behalf,
      scopes: flags.scope.map(readScope),
      lifetime,
      certificate,
      issuedBy: `local:${userInfo().username}`,
    }),
  );
  const { id, principal, expiresAt } = issued.record;
  if (flags.format === 'json') {
    print(JSON.stringify({ token: issued.token.reveal(), ...publicPart(issued.record) }, null, 2));
    return;
  }
  print(issued.token.reveal());
  process.stderr.write(
    `${id} for ${principal}, until ${expiresAt.toISOString()}. It is not shown again; use it as the password of Git.\n`,
  );
}

async function list(flags: CommonFlags): Promise<void> {
  const records = await withOffice(flags.config, (office) => office.list());
  if (flags.format === 'json') {
    print(JSON.stringify(records.map(publicPart), null, 2));
    return;
  }
  const now = new Date();
  const rows = records.map((record) => [
    record.id,
    stateOf(record, now),
    record.principal,
    record.owner,
    record.expiresAt.toISOString().slice(0, 10),
    record.lastUse?.toISOString().slice(0, 16) ?? 'never',
    record.scopes.map(formatScope).join(' '),
    record.purpose,
  ]);
  printTable([['ID', 'STATE', 'FOR', 'OWNER', 'EXPIRES', 'LAST USE', 'SCOPES', 'PURPOSE'], ...rows]);
}

function stateOf(record: TokenRecord, now: Date): string {
  if (record.revokedAt !== null || record.isVoid) return 'revoked';
  return record.expiresAt <= now ? 'expired' : 'valid';
}

function publicPart(
  record: TokenRecord,
): Omit<TokenRecord, 'creationRecorded' | 'revocationRecorded' | 'isVoid'> {
  const { creationRecorded: _creation, revocationRecorded: _revocation, isVoid: _void, ...rest } = record;
  return rest;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows)
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Adds `token create`, `token list` and `token revoke` to the program. */
export function registerToken(program: Command): void {
  const token = program.command('token').description('create, list and revoke guard tokens');
  const common = (command: Command): Command =>
    command
      .option('-c, --config <file>', 'configuration file')
      .addOption(
        program.createOption('--format <format>', 'output').choices(['text', 'json']).default('text'),
      );

  common(token.command('create').description('create a token and show it once'))
    .option('--agent <id>', 'the agent that it is for')
    .option('--human <id>', 'or the person that it is for')
    .option('--workload <id>', 'or the build or machine that it is for')
    .option('--owner <person>', 'who answers for it')
    .requiredOption('--purpose <text>', 'what it is for')
    .requiredOption(
      '--scope <glob:verbs[@refs]>',
      `what it may do (${verbs.join(', ')}); may be repeated`,
      collect,
      [],
    )
    .requiredOption('--expires <span>', 'how long it lives, such as 12h or 30d; 90d at most')
    .option('--certificate <file>', 'client certificate (PEM) with which alone it is good')
    .option('--group <name>', 'a group of the principal; may be repeated', collect, [])
    .option('--on-behalf-of <person>', 'for whom it acts, nearest first; may be repeated', collect, [])
    .action(create);
  common(token.command('list').description('list all tokens, never their secret part')).action(list);
  describeRevoke(common(token.command('revoke')));
}
