// `forgeguard policy`: checks a policy, tries it on an operation, and tells it in sentences.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import type { Command } from 'commander';
import { compilePolicy, decide } from '../core/decide.ts';
import { defaultPolicy, defaultPolicyName, defaultPolicyText } from '../core/default-policy.ts';
import { plural } from '../core/duration.ts';
import { GuardError } from '../core/errors.ts';
import type { Policy } from '../core/policy.ts';
import { adviseOn } from '../core/policy/advice.ts';
import { explainException, explainRule } from '../core/policy/explain.ts';
import { parseOperation } from '../core/policy/operation-text.ts';
import { actions } from '../core/verdict.ts';
import type { Reason, Verdict } from '../core/verdict.ts';
import { environment, loadConfig } from '../server/config.ts';
import { readPolicyFile } from '../server/policy-file.ts';
import { explainPlace, readPlace } from './explain-place.ts';

interface NamedPolicy {
  readonly name: string;
  readonly policy: Policy;
}

/** The named file, else the one of the configuration, else the default policy. */
async function findPolicy(file: string | undefined, configFile: string | undefined): Promise<NamedPolicy> {
  if (file !== undefined) return { name: file, policy: await readPolicyFile(file) };
  const { policyFile } = await loadConfig({ file: configFile, env: environment() });
  return policyFile === undefined
    ? { name: defaultPolicyName, policy: defaultPolicy() }
    : { name: policyFile, policy: await readPolicyFile(policyFile) };
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

interface ConfigFlag {
  readonly config?: string;
}

async function check(file: string | undefined, flags: ConfigFlag): Promise<void> {
  const { name, policy } = await findPolicy(file, flags.config);
  const rules = plural(policy.rules.length, 'rule');
  const exceptions = plural(policy.exceptions.length, 'exception');
  print([
    `ok    ${name}: ${rules}, ${exceptions}, sha256 ${policy.digest}`,
    ...adviseOn(policy, new Date()).map((advice) => `warn  ${advice}`),
  ]);
}

interface TestFlags extends ConfigFlag {
  readonly operation: string;
  readonly format: 'text' | 'json';
  readonly expect?: string;
}

async function test(file: string | undefined, flags: TestFlags): Promise<void> {
  const { policy } = await findPolicy(file, flags.config);
  const text = await readFile(flags.operation, 'utf8').catch((cause: unknown) => {
    throw new GuardError('input/unreadable', `couldn't read the operation ${flags.operation}`, { cause });
  });
  const verdict = decide(compilePolicy(policy), parseOperation(text, flags.operation), new Date());
  print(flags.format === 'json' ? [JSON.stringify(verdict, null, 2)] : tellVerdict(verdict));
  if (flags.expect !== undefined && flags.expect !== verdict.kind) {
    process.stderr.write(`forgeguard: the verdict is ${verdict.kind}, expected was ${flags.expect}\n`);
    process.exitCode = 1;
  }
}

function tellReason({ rule, action, message }: Reason): string {
  return `  ${rule} (${action}): ${message}`;
}

function tellVerdict(verdict: Verdict): readonly string[] {
  return [
    `verdict: ${verdict.kind}`,
    ...verdict.reasons.map(tellReason),
    ...verdict.approvals.map(
      ({ approvers, count }) => `  needs ${plural(count, 'approval')} by ${approvers.join(' or ')}`,
    ),
    ...(verdict.monitored.length > 0 ? ['monitored only:', ...verdict.monitored.map(tellReason)] : []),
    ...verdict.excused.map(({ finding, exception }) => `  finding ${finding} is excused by ${exception}`),
  ];
}

interface ExplainFlags extends ConfigFlag {
  readonly policy?: string;
  readonly repository: string;
  readonly format: 'text' | 'json';
}

async function explain(subject: string | undefined, flags: ExplainFlags): Promise<void> {
  const place = subject === undefined ? undefined : readPlace(subject);
  if (place !== undefined) {
    const { name, policy } = await findPolicy(flags.policy, flags.config);
    const { repository, format } = flags;
    await explainPlace({ place, policyName: name, policy, repository, format });
    return;
  }
  const { name, policy } = await findPolicy(flags.policy ?? subject, flags.config);
  print([
    `${name} (sha256 ${policy.digest})`,
    'All rules that match apply; the strongest action wins: deny, hold, redact, allow.',
    ...policy.rules.map((rule) => `- ${rule.id}: ${explainRule(rule)}`),
    ...policy.exceptions.map((exception) => `- exception ${exception.id}: ${explainException(exception)}`),
  ]);
}

/** Adds `policy check`, `policy test`, `policy explain` and `policy default` to the program. */
export function registerPolicy(program: Command): void {
  const policy = program.command('policy').description('check, try and explain a policy');
  const config = [
    '-c, --config <file>',
    'configuration that names the policy, where no file is given',
  ] as const;
  policy
    .command('check')
    .description('check a policy file and tell what is wrong with it')
    .argument('[file]', 'policy file')
    .option(...config)
    .action(check);
  policy
    .command('test')
    .description('tell the verdict of a policy on an operation')
    .argument('[file]', 'policy file')
    .requiredOption('--operation <file>', 'the operation, as JSON or YAML')
    .addOption(
      program.createOption('--expect <verdict>', 'exit with 1 where the verdict is another').choices(actions),
    )
    .addOption(program.createOption('--format <format>', 'output').choices(['text', 'json']).default('text'))
    .option(...config)
    .action(test);
  policy
    .command('explain')
    .description('tell a policy in sentences, or why a line of a file is or is not a finding')
    .argument('[subject]', 'policy file, or FILE:LINE of what was scanned')
    .option('--policy <file>', 'policy that judges FILE:LINE')
    .option('--repository <name>', 'what the policy takes the repository for', 'local/scan')
    .addOption(
      program
        .createOption('--format <format>', 'output for FILE:LINE')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option(...config)
    .action(explain);
  policy
    .command('default')
    .description('print the default policy, to be copied and changed')
    .action(() => {
      process.stdout.write(defaultPolicyText);
    });
}
