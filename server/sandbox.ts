// The sandbox: what the guard makes when it is started without a configuration, so that a newcomer has a repository to
// push to and tokens to do it with.
import { join } from 'node:path';
import { z } from 'zod';
import type { Scope } from '../core/principal.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';
import { type ForgeConfig, Secret } from './config.ts';
import type { Database } from './db.ts';
import type { SandboxForge } from './git/sandbox-forge.ts';
import { createTokenOffice, type TokenRequest } from './identity/tokens.ts';

const keptSchema = z.object({
  url: z.string(),
  repo: z.string(),
  agentToken: z.string(),
  reviewerToken: z.string(),
  adminToken: z.string(),
});
/** What stands in `<data dir>/sandbox.json`, mode 0600. */
export type SandboxFile = z.infer<typeof keptSchema>;

const repositories = 'sandbox/**';
const day = 86_400;

interface TokenPlan {
  readonly kind: TokenRequest['kind'];
  readonly name: string;
  readonly groups: readonly string[];
  readonly verbs: Scope['verbs'];
  readonly purpose: string;
}

const plans: Readonly<Record<'agentToken' | 'reviewerToken' | 'adminToken', TokenPlan>> = {
  agentToken: {
    kind: 'agent',
    name: 'sandbox-agent',
    groups: [],
    verbs: ['fetch', 'push'],
    purpose: 'the agent of the sandbox',
  },
  reviewerToken: {
    kind: 'human',
    name: 'sandbox-reviewer',
    groups: ['reviewers'],
    verbs: ['fetch', 'push', 'approve'],
    purpose: 'the reviewer of the sandbox',
  },
  adminToken: {
    kind: 'human',
    name: 'sandbox-admin',
    groups: ['admins'],
    verbs: ['fetch', 'push', 'publish', 'log', 'api', 'audit', 'admin'],
    purpose: 'the administrator of the sandbox',
  },
};

/** The configuration of the sandbox's forge. */
export function sandboxForgeConfig(forge: SandboxForge): ForgeConfig {
  return {
    name: 'sandbox',
    url: forge.url,
    credential: {
      mode: 'basic',
      username: forge.username,
      password: { kind: 'value', value: new Secret(forge.password) },
    },
    repositories: ['**'],
    allowRedirectsTo: [],
  };
}

/** Issues the tokens, or keeps those of an earlier start that are still good, and writes `sandbox.json`. */
export async function prepareSandbox(
  dataDir: string,
  url: string,
  database: Database,
  isGood: (token: string) => Promise<boolean>,
): Promise<SandboxFile> {
  const path = join(dataDir, 'sandbox.json');
  const kept = await readSandboxFile(dataDir);
  const office = createTokenOffice({ database, clock: { now: () => new Date() }, maxLifetime: 90 * day });
  const tokenFor = async (name: keyof typeof plans): Promise<string> => {
    const earlier = kept?.[name];
    if (earlier !== undefined && (await isGood(earlier))) return earlier;
    const { verbs, ...plan } = plans[name];
    const { token } = await office.issue({
      ...plan,
      groups: [...plan.groups],
      // Nobody who answers for the agent can approve for it, so each person answers for itself.
      owner: plan.kind === 'agent' ? 'human:sandbox-admin' : `human:${plan.name}`,
      onBehalfOf: plan.kind === 'agent' ? ['human:sandbox-admin'] : [],
      scopes: [{ repository: repositories, verbs: [...verbs] }],
      lifetime: 90 * day,
      issuedBy: 'forgeguard sandbox',
    });
    return token.reveal();
  };
  const file: SandboxFile = {
    url,
    repo: `${url}/git/sandbox/demo.git`,
    agentToken: await tokenFor('agentToken'),
    reviewerToken: await tokenFor('reviewerToken'),
    adminToken: await tokenFor('adminToken'),
  };
  await writePrivateFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return file;
}

/** What an earlier start has written into the data directory; undefined where there is nothing that can be read. */
export async function readSandboxFile(dataDir: string): Promise<SandboxFile | undefined> {
  const kept = await readPrivateFile(join(dataDir, 'sandbox.json'));
  if (kept === undefined) return undefined;
  try {
    return keptSchema.safeParse(JSON.parse(kept.text)).data;
  } catch {
    return undefined;
  }
}

/** A word as `sh` reads it back. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * The lines that a newcomer pastes, in whatever directory. `program` starts this program: file and first arguments. The
 * made-up record is put together by the shell, digit by digit.
 */
export function sandboxWelcome(file: SandboxFile, dataDir: string, program: readonly string[]): string {
  const command = [`FORGEGUARD_DATA_DIR=${shellWord(dataDir)}`, ...program.map(shellWord)].join(' ');
  const remote = new URL(file.repo);
  remote.username = 'agent';
  remote.password = file.agentToken;
  return `
Forgeguard is ready at ${file.url}

Nothing is configured, so this is a sandbox: a demo repository and three tokens, kept in
${join(dataDir, 'sandbox.json')}. Paste this into another terminal; the first push lands:

  git clone ${remote.href} forgeguard-demo && cd forgeguard-demo
  git config user.name 'Demo Agent' && git config user.email agent@forgeguard.example
  git switch -c agent/hello
  echo 'Hello from an agent' > hello.txt
  git add hello.txt && git commit -m 'Say hello' && git push origin agent/hello

This one holds a made-up patient's record and is refused, with what to do about it:

  printf 'mrn,last_name,first_name,dob,ssn\\nMR%s,Okafor,Ngozi,%s-07-19,%s-%s-%s\\n' 4471902 1961 536 22 8714 > patients.csv
  git add patients.csv && git commit -m 'Add a fixture' && git push origin agent/hello

A push to main waits for a person:

  git switch -c for-main origin/main && echo 'Read by a person' > notes.txt
  git add notes.txt && git commit -m 'Add notes' && git push origin for-main:main

The sandbox has a reviewer, too. What it approves lands without another push:

  request=$(${command} approvals list --quiet --limit 1)
  ${command} approvals show $request --changes
  ${command} approvals approve $request --reason 'I have read it' --wait 60s

All of it is in the audit log, which anyone can check:

  ${command} audit verify

Stop the guard with Ctrl-C.
`;
}
