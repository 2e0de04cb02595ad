// docs/github-action.md and action.yml: the workflows are valid by GitHub's own parser and their steps do what is said,
// and what the page, the metadata and the program know of inputs and outputs is the same.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readInputs } from '../../actions/inputs.ts';
import { loadConfig } from '../../server/config.ts';
import { makeWorkTree } from '../cli/work-tree.ts';
import { glue, ssn } from '../scanners/values.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { pullRequest, push, runStep, type Step } from './runner.ts';
import { metadataProblems, workflowProblems } from './workflow-parser.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = await read('docs/github-action.md');
const other = glue('536-22-', '1880');

const step = z.object({ uses: z.string(), with: z.record(z.string(), z.unknown()).default({}) });
const workflowSchema = z.object({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  jobs: z.record(z.string(), z.object({ steps: z.array(step) })),
});
const metadata = z
  .object({
    inputs: z.record(z.string(), z.object({ default: z.string() })),
    outputs: z.record(z.string(), z.unknown()),
    runs: z.object({ using: z.literal('node24'), main: z.literal('actions/dist/main.mjs') }),
  })
  .parse(parse(await read('action.yml')));

const workflows = [...page.matchAll(/```yaml\n(.*?)```/gs)]
  .map(([, text = '']) => text)
  .filter((text) => text.includes('jobs:'))
  .map((text) => ({ text, ...workflowSchema.parse(parse(text)) }));

test('the page has workflows', () => {
  expect(workflows.map(({ name }) => name)).toEqual([
    'guard',
    'guarded',
    'code-scanning',
    'nightly',
    'new-findings',
  ]);
});

test('the parser does say no', async () => {
  expect(await workflowProblems('on: push\njobs: { a: { runs-on: x, steps: [{ use: y }] } }\n')).not.toEqual(
    [],
  );
});

test.each(workflows)(
  '$name is valid, and its step runs on each of its events',
  async ({ text, on, jobs }) => {
    expect(await workflowProblems(text)).toEqual([]);
    await using tree = await makeWorkTree();
    const base = await tree.commit('one', {
      'old.txt': `ssn: ${ssn}\n`,
      '.forgeguard/policy.yaml':
        'rules:\n  - id: phi\n    when: { findings: { category: phi } }\n    then: deny\n',
      '.forgeguard/baseline.yaml':
        'exceptions:\n  - { id: old, path: old.txt, reason: Known., owner: maria, expires: 2099-01-01 }\n',
    });
    const head = await tree.commit('two', { 'new.txt': `ssn: ${other}\n` });
    const payloads: Readonly<Record<string, unknown>> = {
      pull_request: pullRequest(base, head),
      push: push(base, head, 'main'),
      merge_group: { merge_group: { base_sha: base, head_sha: head, base_ref: 'refs/heads/main' } },
    };
    const given = Object.values(jobs)
      .flatMap(({ steps }) => steps)
      .find(({ uses }) => uses.startsWith('OWNER/forgeguard@'))?.with;
    const inputs: Record<string, string> = {};
    for (const [name, { default: value }] of Object.entries(metadata.inputs)) inputs[name] = value;
    for (const [name, value] of Object.entries(given ?? {})) {
      expect(Object.keys(metadata.inputs)).toContain(name);
      // A secret that is not set is an empty text.
      inputs[name] = String(value).startsWith('${{') ? '' : String(value);
    }
    for (const event of Object.keys(on)) {
      const run: Step = { workspace: tree.path, event, payload: payloads[event] ?? {}, inputs };
      const { code, outputs, log } = await runStep(run);
      expect([code, outputs['findings']], `${event}: ${log}`).toEqual([
        inputs['fail-on'] === 'none' ? 0 : 1,
        '1',
      ]);
      expect(Object.keys(outputs).toSorted()).toEqual(Object.keys(metadata.outputs).toSorted());
    }
  },
);

test('inputs and outputs are the same in the page, the metadata and the program', () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\|(?: (?:`([a-z]+)`)? +\|)?/gm)].map(
    ([, name = '', fallback = '']) => ({ name, fallback }),
  );
  for (const [name, { default: fallback }] of Object.entries(metadata.inputs))
    expect(rows).toContainEqual({ name, fallback });
  for (const name of Object.keys(metadata.outputs)) expect(rows.map((row) => row.name)).toContain(name);
  const env = Object.fromEntries(
    Object.entries(metadata.inputs).map(([name, { default: fallback }]) => [
      `INPUT_${name.toUpperCase()}`,
      fallback,
    ]),
  );
  expect(readInputs(env)).toEqual(readInputs({}));
  for (const [name] of Object.entries(metadata.inputs).filter(([, value]) => value.default !== ''))
    expect(() => readInputs({ [`INPUT_${name.toUpperCase()}`]: '\0' }), name).toThrow(name);
});

test('the metadata is valid', async () => {
  expect(metadataProblems(await read('action.yml'))).toEqual([]);
  expect(metadataProblems('name: x\nruns: { using: node24 }\n')).not.toEqual([]);
});

test('the configuration for a guard is one', async () => {
  const [, example = ''] = /```yaml\n(identity:\n.*?)```/s.exec(page) ?? [];
  await using directory = await temporaryDirectory('action-docs');
  const file = join(directory.path, 'forgeguard.yaml');
  await writeFile(file, example);
  const { identity } = await loadConfig({ file, env: {} });
  expect(identity.issuers.map(({ profile }) => profile)).toEqual(['github-actions']);
});
