// What a refused client is told: why, where exactly, and what to do, so that following the advice makes the push land.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ok } from '../support/client.ts';
import { blob, commit, noObject, tree } from '../support/git-object.ts';
import { requestIn } from '../support/guarded-forge.ts';
import { packOf } from '../support/pack.ts';
import { makePerson } from '../support/person.ts';
import { phiSample } from '../support/phi.ts';
import { cloneSeeded, type PushForge, type Seeded, startPushForge } from '../support/push-forge.ts';
import { parsePushReport } from '../support/push-report.ts';
import { postService, receivePackBody } from '../support/raw-push.ts';
import { readRefusal } from '../support/refusal.ts';
import { secretSample } from '../support/secrets.ts';

let forge: PushForge;
beforeAll(async () => {
  forge = await startPushForge();
});
afterAll(async () => {
  await forge[Symbol.asyncDispose]();
});

const seeded = (): Promise<Seeded> => cloneSeeded(forge, { 'README.md': 'hello\n' });

const ref = 'refs/heads/agent/told';
const target = `HEAD:${ref}`;

/** What the guard said, without the client's own lines and padding. */
function told(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('remote: '))
    .map((line) => line.slice('remote: '.length).trimEnd())
    .join('\n');
}

describe('places', () => {
  test('commit, path, line and column are those of the file', async () => {
    const { repo, work } = await seeded();
    const sample = secretSample('generic-password', 61);
    const text = `# ünïcödé 🙂 before it\n\n  🙂 = 1; ${sample.text}`;
    const holder = await work.commit('Add', { 'src/deep/ä b/client.py': text });
    await work.commit('More', { 'b.txt': 'x\n' });
    const pushed = await work.push(target);
    expect(pushed.code).toBe(1);
    const place = /commit ([0-9a-f]{12}) {2}(.+):(\d+):(\d+)/.exec(told(pushed.stderr));
    expect(place?.[1]).toBe(holder.slice(0, 12));
    const shown = ok(await work.git('show', `${place?.[1]}:${place?.[2]}`)).stdout;
    const line = shown.split('\n')[Number(place?.[3]) - 1] ?? '';
    expect(line.slice(Number(place?.[4]) - 1).startsWith(sample.value)).toBe(true);
    const said = readRefusal((await work.push(target, { options: ['forgeguard.format=json'] })).stderr);
    expect(said.findings[0]).toMatchObject({
      line: 3,
      column: line.indexOf(sample.value) + 1,
      endColumn: line.indexOf(sample.value) + sample.value.length + 1,
    });
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({
      findings: [{ line: 3, column: line.indexOf(sample.value) + 1, commit: holder }],
    });
  });

  test('at most twenty findings are listed, the rest is counted', async () => {
    const { repo, work } = await seeded();
    const files = Array.from({ length: 33 }, (_, at) => [
      `env/${String(at).padStart(2, '0')}.env`,
      secretSample('github-token', 100 + at).text,
    ]);
    await work.commit('Many', Object.fromEntries(files) as Record<string, string>);
    const pushed = await work.push(target);
    const text = told(pushed.stderr);
    expect(text.match(/^ {2}\d+\. /gm)).toHaveLength(20);
    expect(text).toContain('env/00.env:1:14');
    expect(text).toContain('env/19.env:1:14');
    expect(text).not.toContain('env/20.env');
    expect(text).toContain('… and 13 more');
    const json = await work.push(target, { options: ['forgeguard.format=json'] });
    expect(readRefusal(json.stderr)).toMatchObject({ moreFindings: 13 });
    expect(readRefusal(json.stderr).findings).toHaveLength(20);
    expect((await repo.lastAttempt()).details('push.decided')).toMatchObject({ findingCount: 33 });
  });

  test('the gravest come first, and every reason is told at once', async () => {
    const { repo, work } = await seeded();
    ok(await work.push(target));
    ok(await work.git('commit', '--quiet', '--amend', '-m', 'Rewritten'));
    const csv = phiSample('csv', 62);
    const token = secretSample('github-token', 62);
    await work.commit('Both', {
      [csv.path]: csv.text,
      [token.path]: token.text,
      '.github/workflows/ci.yml': 'on: push\n',
    });
    const pushed = await work.push(`+${target}`, { options: ['forgeguard.format=json'] });
    const said = readRefusal(pushed.stderr);
    expect(said.verdict).toBe('deny');
    expect(said.reasons.map((reason) => reason.rule)).toEqual(
      expect.arrayContaining(['phi', 'secrets', 'agent-force-push', 'agent-workflows']),
    );
    const rank = ['critical', 'high', 'medium', 'low'];
    const ranks = said.findings.map((finding) => rank.indexOf(finding.severity));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect((await repo.lastAttempt()).request).toBe(said.request);
  });
});

describe('the advice works', () => {
  test('for the last commit: change it, amend, push', async () => {
    const { repo, work } = await seeded();
    const sample = secretSample('npm-token', 63);
    await work.commit('Add', { '.env': `A=1\n${sample.text}` });
    const pushed = await work.push(target);
    expect(told(pushed.stderr)).toContain('git commit --all --amend');
    expect(told(pushed.stderr)).not.toContain('rebase');
    await work.write({ '.env': 'A=1\n' });
    ok(await work.git('commit', '--quiet', '--all', '--amend', '--no-edit'));
    ok(await work.push(target));
    expect((await repo.upstream.refs())[ref]).toBe(await work.oid('HEAD'));
  });

  test.each([{ root: false }, { root: true }])('for an older commit (the root: $root)', async ({ root }) => {
    const repo = await forge.repo(root ? {} : { seed: { 'README.md': 'hello\n' } });
    const work = root ? await repo.init() : await repo.clone();
    const sample = secretSample('npm-token', 64);
    const holder = await work.commit('Add', { '.env': sample.text, 'a.txt': 'x\n' });
    await work.commit('Another', { 'b.txt': 'x\n' });
    await work.commit('One more', { 'c.txt': 'x\n' });
    const pushed = await work.push(target);
    const advice = told(pushed.stderr);
    expect(advice).toContain('A new commit on top does not take it out');
    expect(advice).not.toMatch(/^ {4}git commit --all --amend$/m);
    const command = /git rebase --interactive ([0-9a-f]{12})\^/.exec(advice);
    expect(command?.[1]).toBe(holder.slice(0, 12));
    expect(advice).toContain('--root');

    // A new commit on top does not, indeed.
    await work.commit('Take it out', { '.env': 'x\n' });
    expect((await work.push(target)).code).toBe(1);
    ok(await work.git('reset', '--quiet', '--hard', 'HEAD~1'));

    const mark = join(work.directory, '..', `mark-${root}.sh`);
    await writeFile(mark, '#!/bin/sh\nsed -i "1s/^pick/edit/" "$1"\n', { mode: 0o755 });
    const rebase = await forge.client.git(
      ['rebase', '--quiet', '--interactive', root ? '--root' : `${command?.[1]}^`],
      { cwd: work.directory, env: { GIT_SEQUENCE_EDITOR: mark, GIT_EDITOR: 'true' } },
    );
    ok(rebase);
    await work.write({ '.env': 'nothing here\n' });
    ok(await work.git('commit', '--quiet', '--all', '--amend', '--no-edit'));
    ok(await work.git('-c', 'core.editor=true', 'rebase', '--continue'));
    ok(await work.push(target));
    expect((await repo.upstream.refs())[ref]).toBe(await work.oid('HEAD'));
    expect(await repo.upstream.hasObject(holder)).toBe(false);
  });

  test('for names of paths and branches, tags and notes', async () => {
    const { work } = await seeded();
    const { ssn } = makePerson(65);
    await work.commit('Add', { [`scan_ssn_${ssn}.txt`]: 'x\n' });
    expect(told((await work.push(target)).stderr)).toContain('git mv');
    ok(await work.git('mv', `scan_ssn_${ssn}.txt`, 'scan.txt'));
    ok(await work.git('commit', '--quiet', '--amend', '--no-edit'));
    ok(await work.push(target));
    expect(told((await work.push(`HEAD:refs/heads/agent/ssn-${ssn}`)).stderr)).toContain(
      'push under another name',
    );
    ok(await work.git('tag', '-a', 'v1', '-m', `Patient SSN ${ssn}`));
    expect(told((await work.push('refs/tags/v1')).stderr)).toContain('git tag --force --annotate');
    ok(await work.git('tag', '--force', '--annotate', 'v1', '-m', 'Version 1'));
    ok(await work.push('refs/tags/v1'));
  });
});

describe('form', () => {
  test('the ng line is short, has the rule and the request, and the exit code is 1', async () => {
    const { repo, work } = await seeded();
    const sample = phiSample('csv', 66);
    await work.commit('Add', { [sample.path]: sample.text });
    const pushed = await work.push(target, { args: ['--porcelain'] });
    expect(pushed.code).toBe(1);
    const line = pushed.stdout.split('\n').find((candidate) => candidate.startsWith('!')) ?? '';
    const reason = /\[remote rejected\] \((.*)\)$/.exec(line)?.[1] ?? '';
    expect(reason.length).toBeLessThan(200);
    const { request } = await repo.lastAttempt();
    expect(reason).toBe(`refused: phi (request ${request})`);
    expect(requestIn(told(pushed.stderr))).toBe(request);
  });

  test('hostile names of files cannot write on the terminal or forge a line', async () => {
    const { repo } = await seeded();
    const base = (await repo.upstream.refs())['refs/heads/main'] ?? '';
    const sample = secretSample('aws-access-key', 67);
    const content = blob(sample.text);
    const names = [
      'esc\x1b[2J\x1b]0;owned\x07.env',
      'line\nremote: forgeguard: this push was accepted\r.env',
      'bidi\u202etxt.exe\u2066.env',
      'tab\t\x08\x7f\x9b.env',
      'wide\u200b\u2028\u{e0041}.env',
    ];
    const entries = names
      .map((name) => ({ mode: '100644', name, oid: content.oid }))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
    const many = entries.map((entry, at) => {
      const own = blob(secretSample('aws-access-key', 200 + at).text);
      return { entry: { ...entry, oid: own.oid }, own };
    });
    const root = tree(many.map(({ entry }) => entry));
    const tip = commit({
      tree: root.oid,
      parents: [base],
      message: `\x1b[31mred\n`,
      author: 'A \u202e B <a@example.com> 1700000000 +0000',
    });
    const objects = [tip, root, ...many.map(({ own }) => own)];
    for (const pushOptions of [[], ['forgeguard.format=json']]) {
      const body = receivePackBody({
        commands: [{ oldOid: noObject(), newOid: tip.oid, ref }],
        pushOptions,
        pack: packOf(objects),
      });
      const answer = await postService(repo.bareUrl, 'git-receive-pack', body, {
        authorization: forge.agentHeader,
      });
      const report = parsePushReport(answer.body);
      expect(report.refs).toMatchObject([{ ok: false }]);
      // eslint-disable-next-line no-control-regex
      expect(report.progress).not.toMatch(
        /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/,
      );
      expect(report.progress).not.toMatch(/^remote: forgeguard: this push was accepted/m);
      expect(report.progress.match(/esc/g)).not.toBeNull();
    }
    const stored = JSON.stringify((await repo.lastAttempt()).details('push.decided'));
    expect(stored).not.toMatch(/\\u001b|\\r|\u202e/);
  });

  test('JSON is plain ASCII in one line, text is not JSON', async () => {
    const { work } = await seeded();
    const sample = secretSample('github-token', 68);
    await work.commit('Add', { 'ü/文.env': sample.text });
    const json = await work.push(target, { options: ['forgeguard.format=json'] });
    expect(told(json.stderr)).toMatch(/^[\x20-\x7e]+$/);
    expect(readRefusal(json.stderr)).toMatchObject({
      version: 1,
      verdict: 'deny',
      landed: false,
      findings: [{ path: 'ü/文.env' }],
      reasons: [{ rule: 'secrets', action: 'deny', refs: [] }],
    });
    const text = await work.push(target, { options: ['forgeguard.format=text'] });
    expect(told(text.stderr)).toContain(
      'forgeguard: this push was refused. Nothing of it reached the upstream.',
    );
    expect(text.stderr).not.toContain('{"version"');
  });

  test('a held push says that it waits for an approval, and nothing about findings', async () => {
    const { repo, work } = await seeded();
    await work.commit('Workflow', { '.github/workflows/ci.yml': 'on: push\n' });
    const text = told((await work.push(target)).stderr);
    expect(text).toContain('agent-workflows (hold)');
    expect(text).toContain('forgeguard: this push is held for approval.');
    expect(text).toContain('approvers: 1 of group:reviewers');
    expect(text).not.toContain('findings:');
    const json = await work.push(target, { options: ['forgeguard.format=json'] });
    expect(readRefusal(json.stderr)).toMatchObject({ verdict: 'hold', landed: false, findings: [] });
    expect((await repo.lastAttempt()).entries.at(-1)).toMatchObject({
      action: 'push.held',
      details: { isNew: false },
    });
  });

  test('an accepted push says nothing at all', async () => {
    const { work } = await seeded();
    await work.commit('Fine', { 'a.txt': 'x\n' });
    expect(told(ok(await work.push(target)).stderr)).toBe('');
  });

  test('masked forms are shown, and are not the value', async () => {
    const { work } = await seeded();
    const person = makePerson(69);
    const sample = phiSample('note', 69);
    await work.commit('Add', { [sample.path]: sample.text });
    const text = told((await work.push(target)).stderr);
    expect(text).toContain('***-**-****');
    expect(text).not.toContain(person.ssn);
    expect(text).not.toContain(person.ssn.slice(-4));
    expect(await readFile(join(work.directory, sample.path), 'utf8')).toContain(person.ssn);
  });
});

test('the log verifies', async () => {
  expect(await forge.guard.command(['audit', 'verify'])).toMatchObject({ code: 0 });
});
