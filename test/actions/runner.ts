// Starts the Action's bundle as the runner of GitHub Actions does: a file on its own with no packages around it, the
// inputs and files of a step in its environment; and reads what the step tells as the runner reads it.
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A command that the runner saw in the log. */
export interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface StepResult {
  readonly code: number | null;
  readonly log: string;
  readonly commands: readonly Command[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Everything that came out of the step, in one text. */
  readonly everything: string;
  readonly sarif: unknown;
  readonly seconds: number;
}

export interface Step {
  readonly workspace: string;
  readonly event: string;
  readonly payload: unknown;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** The bundle that is checked in. */
export const bundle = fileURLToPath(new URL('../../actions/dist/main.mjs', import.meta.url));

/** Runs one step. */
export async function runStep(step: Step): Promise<StepResult> {
  await using home = await temporaryDirectory('runner');
  const at = (name: string): string => join(home.path, name);
  await mkdir(at('temp'));
  await copyFile(bundle, at('main.mjs'));
  await writeFile(at('event.json'), JSON.stringify(step.payload));
  for (const name of ['output', 'summary']) await writeFile(at(name), '');
  const inputs: Record<string, string> = {};
  for (const [name, value] of Object.entries(step.inputs ?? {}))
    inputs[`INPUT_${name.toUpperCase()}`] = value;
  const { code, stdout, stderr, seconds } = await run(process.execPath, [at('main.mjs')], {
    cwd: step.workspace,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home.path,
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: step.workspace,
      GITHUB_EVENT_NAME: step.event,
      GITHUB_EVENT_PATH: at('event.json'),
      GITHUB_OUTPUT: at('output'),
      GITHUB_STEP_SUMMARY: at('summary'),
      GITHUB_REPOSITORY: 'Codertocat/Hello-World',
      GITHUB_WORKFLOW_REF: 'Codertocat/Hello-World/.github/workflows/guard.yml@refs/heads/main',
      RUNNER_TEMP: at('temp'),
      ...inputs,
      ...step.env,
    },
  });
  const outputs = readOutputs(await readFile(at('output'), 'utf8'));
  const summary = await readFile(at('summary'), 'utf8');
  const written = outputs['sarif-file'];
  const sarif = written === undefined ? undefined : await readFile(written, 'utf8');
  const log = stdout + stderr;
  return {
    code,
    log,
    commands: log.split(/\r?\n/).flatMap(readCommand),
    outputs,
    summary,
    everything: [log, JSON.stringify(outputs), summary, sarif ?? ''].join('\n'),
    sarif: sarif === undefined ? undefined : JSON.parse(sarif),
    seconds,
  };
}

/** The command of a line as the runner reads it: `::name props::text` after spaces, else `##[name props]text` anywhere. */
export function readCommand(line: string): readonly Command[] {
  const match =
    /^\s*::(?<name>[^\s:]+)(?: (?<props>(?:(?!::).)*))?::(?<text>.*)$/s.exec(line) ??
    /##\[(?<name>[^\s\]]+)(?: (?<props>[^\]]*))?\](?<text>.*)$/s.exec(line);
  if (match?.groups === undefined) return [];
  const { name = '', props = '', text = '' } = match.groups;
  const properties = Object.fromEntries(
    props
      .split(',')
      .filter((part) => part !== '')
      .map((part) => [part.slice(0, part.indexOf('=')), unescaped(part.slice(part.indexOf('=') + 1))]),
  );
  return [{ name, properties, text: unescaped(text) }];
}

function unescaped(text: string): string {
  const parts: Readonly<Record<string, string>> = { '0D': '\r', '0A': '\n', '3A': ':', '2C': ',', '25': '%' };
  return text.replaceAll(/%(0D|0A|3A|2C|25)/g, (_, code: string) => parts[code] ?? '');
}

function readOutputs(text: string): Readonly<Record<string, string>> {
  const outputs: Record<string, string> = {};
  const lines = text.split('\n');
  for (let at = 0; at < lines.length - 1; at += 1) {
    const [, name = '', delimiter = ''] = /^([\w-]+)<<(.+)$/.exec(lines[at] ?? '') ?? [];
    const end = lines.indexOf(delimiter, at + 1);
    if (name === '' || end < 0) throw new Error(`line ${at + 1} of the outputs is no beginning of one`);
    outputs[name] = lines.slice(at + 1, end).join('\n');
    at = end;
  }
  return outputs;
}

type Payload = Readonly<Record<string, unknown>>;

const published = z.array(
  z.object({ name: z.string(), examples: z.array(z.record(z.string(), z.unknown())) }),
);
const file = createRequire(import.meta.url).resolve('@octokit/webhooks-examples');
const examples = published.parse(JSON.parse(readFileSync(file, 'utf8')));

/** A payload as GitHub documents it, from its published examples. */
function examplePayload(event: string, action?: string): Payload {
  const found = examples
    .find(({ name }) => name === event)
    ?.examples.find((payload) => action === undefined || payload['action'] === action);
  if (found === undefined) throw new Error(`there is no example of ${event}`);
  return found;
}

/** An opened pull request with these commits. */
export function pullRequest(base: string, head: string, more: Payload = {}): Payload {
  const payload = examplePayload('pull_request', 'opened');
  const given = payload['pull_request'];
  const ends = {
    base: { ...partOf(given, 'base'), sha: base, ref: 'main' },
    head: { ...partOf(given, 'head'), sha: head },
  };
  return { ...payload, pull_request: { ...asObject(given), commits: 1, ...ends, ...more } };
}

/** A push to a branch. */
export function push(before: string, after: string, branch: string, more: Payload = {}): Payload {
  const payload = examplePayload('push');
  const repository = { ...asObject(payload['repository']), default_branch: 'main' };
  return { ...payload, repository, ref: `refs/heads/${branch}`, before, after, deleted: false, ...more };
}

export const noCommit = '0'.repeat(40);

function partOf(value: unknown, name: string): object {
  return asObject(new Map(Object.entries(asObject(value))).get(name));
}

function asObject(value: unknown): object {
  if (typeof value === 'object' && value !== null) return value;
  throw new Error('the example is no longer as it was');
}
