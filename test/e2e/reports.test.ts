// Reports about an agent in every form, to those who may have them.
import { generateKeyPairSync, hash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createSigner, signCheckpoint } from '../../core/checkpoint.ts';
import { reportSchema, type Report } from '../../core/report/schema.ts';
import { csvCell } from '../../server/reports/csv.ts';
import { openPack } from '../../server/audit/pack/unpack.ts';
import { createReportPrinter } from '../../server/reports/html.ts';
import { createPdfPrinter } from '../../server/reports/pdf.ts';
import { type ActivityScene, playActivityScene, sceneAgent, scenePerson } from '../support/activity-scene.ts';
import { forgeguard } from '../cli/program.ts';
import { bothVerifiersFind, verifierKey } from '../support/pack-verifiers.ts';
import type { Run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type Caller, createCaller } from '../support/api-caller.ts';

let scene: ActivityScene;
beforeAll(async () => {
  scene = await playActivityScene();
}, 120_000);
afterAll(async () => scene?.[Symbol.asyncDispose]());

const path = (query = ''): string => `/agents/release-bot/report?${query}`;

async function report(caller: Caller = scene.auditor): Promise<Report> {
  const { body, status } = await caller.get(path());
  expect(status).toBe(200);
  return reportSchema.parse(body);
}

const person = (name: string, repository: string): Promise<Caller> =>
  createCaller(scene.forge.database, scene.forge.guard.url, {
    name,
    scopes: [{ repository, verbs: ['audit'] }],
  });

test('agents are listed with what they did', async () => {
  const { body } = await scene.auditor.get('/agents?kind=agent');
  const { agents } = z.object({ agents: z.array(z.looseObject({ id: z.string() })) }).parse(body);
  expect(agents.find(({ id }) => id === sceneAgent)).toMatchObject({
    owners: [scenePerson],
    sessions: 1,
    repositories: 1,
    counts: { pushes: 3, forwarded: 2, refused: 1, held: 1 },
  });
});

describe('as JSON', () => {
  test('counts, lists and names', async () => {
    const found = await report();
    expect(found).toMatchObject({
      agent: { id: sceneAgent, people: [scenePerson], owners: [scenePerson], addresses: ['127.0.0.1'] },
      scope: 'all',
      summary: { attempts: 3, forwarded: 2, refused: 1, held: 1, sessions: 1, approvals: 1 },
      repositories: [{ repository: scene.repo.id, attempts: 3 }],
      refusals: [{ outcome: 'refused', rules: ['phi'] }],
      leftOut: { attempts: 0, refusals: 0, approvals: 0, rows: 0 },
    });
    expect(found.identifiers.map(({ identifier }) => identifier)).toContain('ssn');
    const counted = found.identifiers.reduce((sum, { findings }) => sum + findings, 0);
    expect(counted).toBe(found.summary.findings);
    const [approval] = found.approvals;
    expect(approval).toMatchObject({ id: scene.approval, state: 'applied', reason: 'release' });
    expect(approval?.steps.find(({ action }) => action === 'voted')).toMatchObject({
      by: 'human:ada@example.org',
      decision: 'approve',
      reason: 'looks right',
    });
  });

  test('says what the log was then, as signed', async () => {
    const { integrity } = await report();
    expect(integrity.checkpoint.split('\n').slice(0, 3)).toEqual([
      integrity.log,
      String(integrity.size),
      integrity.root,
    ]);
    expect(integrity.verifierKey).toContain(integrity.keyId);
  });

  test('has every standard with what is on record and what remains', async () => {
    const { safeguards } = await report();
    expect(safeguards.map(({ citation }) => citation.replace('45 CFR ', ''))).toEqual([
      '164.308(a)(1)(ii)(D)',
      '164.312(a)(1)',
      '164.312(a)(2)(i)',
      '164.312(b)',
      '164.312(c)(1)',
      '164.312(d)',
      '164.312(e)(1)',
      '164.316(b)(2)(i)',
    ]);
    for (const { evidence, duty } of safeguards) {
      expect(evidence.length).toBeGreaterThan(0);
      expect(duty).not.toBe('');
    }
  });

  test('of a time without anything has nothing, and is a report', async () => {
    const { body } = await scene.auditor.get(path('from=2020-01-01&to=2020-02-01'));
    expect(reportSchema.parse(body).summary).toMatchObject({ attempts: 0, findings: 0, approvals: 0 });
  });
});

describe('who may have it', () => {
  test('is who answers for the agent', async () => {
    const dana = await createCaller(scene.forge.database, scene.forge.guard.url, {
      name: 'dana@example.org',
      scopes: [{ repository: 'forge/x', verbs: ['fetch'] }],
    });
    expect((await report(dana)).scope).toBe('all');
  });

  test('is who may audit some of its repositories, for those', async () => {
    const own = await person('team@example.org', scene.repo.id);
    expect(await report(own)).toMatchObject({
      scope: 'some',
      summary: { attempts: 3 },
      agent: { addresses: [] },
    });
  });

  test('is nobody else', async () => {
    const other = await person('other@example.org', 'forge/elsewhere');
    expect(await other.get(path())).toMatchObject({
      status: 404,
      body: { error: { code: 'agent/unknown' } },
    });
    expect((await other.get('/agents')).body).toMatchObject({ agents: [] });
    expect(await scene.auditor.get('/agents/nobody/report')).toMatchObject({ status: 404 });
  });

  test('is on record', async () => {
    await scene.auditor.get(path('format=csv&from=2026-01-01'));
    const run = await scene.forge.guard.command([
      'audit',
      'list',
      '--action',
      'audit.read',
      '--format',
      'jsonl',
    ]);
    expect(JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      actor: { id: 'human:auditor@example.org' },
      details: { what: 'report', agent: sceneAgent, format: 'csv', from: '2026-01-01T00:00:00.000Z' },
    });
  });
});

test.each(['from=2026-02-01&to=2026-01-01', 'from=1990-01-01&to=2026-01-01', 'from=soon', 'format=doc'])(
  'refuses %s',
  async (query) => {
    expect(await scene.auditor.get(path(query))).toMatchObject({
      status: 400,
      body: { error: { code: 'input/invalid' } },
    });
  },
);

describe('as CSV', () => {
  test('has a line for each attempt, with who decided', async () => {
    const { text } = await scene.auditor.get(path('format=csv'));
    const lines = text.split('\r\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^time,ended,session,request,/);
    expect(lines[2]).toContain(',refused,deny,');
    expect(lines[3]).toContain('human:ada@example.org approve (looks right)');
    expect(lines[4]).toBe('');
  });

  test.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\nlines', '"two\nlines"'],
    ['=1+1', `"'=1+1"`],
    ['+1', `"'+1"`],
    ['-1', `"'-1"`],
    ['@x', `"'@x"`],
    ['\tx', `"'\tx"`],
    [-5, '-5'],
    [null, ''],
  ])('a cell %j is %j', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });
});

describe('as HTML', () => {
  test('is one document that needs nothing else', async () => {
    const response = await scene.auditor.fetch(path('format=html'));
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await response.text();
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain('<html lang="en">');
    expect(html).not.toMatch(/<script|<link|<img|url\(|https?:/i);
    for (const value of scene.sample.values)
      if (value.text.length > 5) expect(html).not.toContain(value.text);
    expect(html).not.toMatch(/complian/i);
    // Every table says what its columns are.
    expect(html.match(/<table/g)?.length).toBe(html.match(/<thead/g)?.length);
  });

  test('escapes what others have written', async () => {
    const found = await report();
    const html = await createReportPrinter().html({
      ...found,
      agent: { ...found.agent, people: ['<script>alert(1)</script>'] },
      approvals: found.approvals.map((one) => ({ ...one, reason: '"><img src=x onerror=alert(1)>' })),
    });
    expect(html).not.toMatch(/<script|<img/);
    expect(html).toContain('&lt;script&gt;');
  });
});

describe('as PDF', () => {
  test('is printed by the Chromium of this machine', async () => {
    const response = await scene.auditor.fetch(path('format=pdf'));
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.status, bytes.toString('utf8', 0, 300)).toBe(200);
    expect(response.headers.get('content-disposition')).toContain('.pdf"');
    expect(bytes.subarray(0, 5).toString()).toBe('%PDF-');
    expect(bytes.toString('latin1').match(/\/Type \/Page\b/g)?.length).toBeGreaterThanOrEqual(2);
  });

  test('without a browser says what to do', async () => {
    await using printer = createPdfPrinter('/nowhere/chromium');
    await expect(printer.print('<p>x</p>', 'x')).rejects.toMatchObject({
      code: 'report/no-browser',
      status: 501,
    });
  });

  test('with a browser that is none says so', async () => {
    await using printer = createPdfPrinter('/bin/false');
    await expect(printer.print('<p>x</p>', 'x')).rejects.toMatchObject({ code: 'report/failed' });
  });
});

test('on the command line, into a file that must not be there yet', async () => {
  await using directory = await temporaryDirectory('report');
  const run = (...args: string[]) =>
    forgeguard(directory.path, ['report', 'release-bot', ...args], {
      FORGEGUARD_URL: scene.forge.guard.url,
      FORGEGUARD_TOKEN: scene.auditor.token,
    });
  const written = await run('--out', 'agent.html', '--from', '2026-01-01');
  expect(written).toMatchObject({ code: 0, stdout: 'agent.html\n', stderr: '' });
  expect(await readFile(join(directory.path, 'agent.html'), 'utf8')).toMatch(/^<!doctype html>/);
  expect(await run('--out', 'agent.html')).toMatchObject({ code: 2 });
  expect((await run('--format', 'csv')).stdout).toMatch(/^time,/);
  const unknown = await run('--from', '2026-02-01', '--to', '2026-01-01', '--out', 'other.json');
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.stderr).toContain('input/invalid');
  expect(await readdir(directory.path)).toEqual(['agent.html']);
});

describe('whoever is handed a report', () => {
  const check = (file: string, ...args: string[]): Promise<Run> =>
    scene.forge.guard.command(['audit', 'verify', '--report', file, ...args]);

  test.each(['json', 'html', 'csv'])('finds it in the log: %s', async (format) => {
    await using directory = await temporaryDirectory('handed-report');
    const file = join(directory.path, `agent.${format}`);
    const { text } = await scene.auditor.get(path(`format=${format}&from=2026-01-01`));
    await writeFile(file, text);
    const found = await check(file);
    expect(found).toMatchObject({ code: 0, stderr: '' });
    expect(found.stdout).toContain(`\nreport       ${sceneAgent}, 2026-01-01T00:00:00.000Z to `);
    expect(found.stdout).toContain(
      `, as ${format}, ${Buffer.byteLength(text)} bytes\nshows        everything\n`,
    );
    expect(found.stdout).toMatch(/\nmade {9}\S+Z for human:auditor@example\.org\nentry {8}\d+ of \d+\nok\n$/);
    const sha256 = hash('sha256', text, 'hex');
    const told = z
      .object({ ok: z.boolean(), sha256: z.string(), reports: z.array(z.looseObject({})) })
      .parse(JSON.parse((await check(file, '--format', 'json')).stdout));
    expect(told).toMatchObject({ ok: true, sha256 });
    // The same bytes may have been made before: nothing in a CSV says when it was.
    const last = { sha256, format, agent: sceneAgent, actor: 'human:auditor@example.org', by: 'http' };
    expect(told.reports.at(-1)).toMatchObject(last);
    await writeFile(file, `${text} `);
    const changed = await check(file);
    expect(changed).toMatchObject({ code: 1, stderr: '' });
    expect(changed.stdout).toContain('\nproblem: no entry of the log names a report with the SHA-256 ');
  });

  test('is told what is wrong with the log', async () => {
    await using directory = await temporaryDirectory('handed-report');
    const file = join(directory.path, 'agent.csv');
    await writeFile(file, (await scene.auditor.get(path('format=csv'))).text);
    const { privateKey } = generateKeyPairSync('ed25519');
    const own = await readFile(join(scene.forge.guard.dataDir, 'audit-verifier-key'), 'utf8');
    const signer = createSigner(verifierKey(own.trim()).name, privateKey);
    const note = signCheckpoint({ size: 1, root: hash('sha256', 'x', 'buffer') }, signer);
    const kept = join(directory.path, 'kept.checkpoint');
    await writeFile(kept, note);
    const found = await check(file, '--checkpoint', kept);
    expect(found).toMatchObject({ code: 1 });
    expect(found.stdout).toContain('\nproblem: the log does not continue a checkpoint that was kept\n');
    expect(await check(join(directory.path, 'nowhere'))).toMatchObject({ code: 2 });
  });
});

describe('in an evidence pack', () => {
  test('reports and what pushes changed are there, and both verifiers hold them to it', async () => {
    await using directory = await temporaryDirectory('report-pack');
    const archive = join(directory.path, 'pack.tar.gz');
    const { guard } = scene.forge;
    const listed = (): Promise<Run> => guard.command(['audit', 'list', '--action', 'evidence.kept']);
    await expect.poll(async () => (await listed()).stdout.match(/evidence/g)?.length).toBe(3);
    expect(await guard.command(['audit', 'export', '--out', archive])).toMatchObject({ code: 0, stderr: '' });
    const scratch = join(directory.path, 'unpacked');
    await mkdir(scratch);
    const pack = await openPack(archive, scratch);
    const found = reportSchema.parse(
      JSON.parse(await readFile(join(pack, 'reports/agent-release-bot.json'), 'utf8')),
    );
    expect(found.summary).toMatchObject({ attempts: 3, refused: 1 });
    expect(await readFile(join(pack, 'reports/agent-release-bot.html'), 'utf8')).toContain(sceneAgent);
    for (const format of ['json', 'html']) {
      const file = join(pack, `reports/agent-release-bot.${format}`);
      const looked = await guard.command(['audit', 'verify', '--report', file]);
      expect(looked).toMatchObject({ code: 0, stderr: '' });
      expect(looked.stdout).toMatch(/\nmade {9}\S+Z for local:\S+\n/);
    }
    const made = await guard.command(['audit', 'list', '--action', 'audit.report-made', '--format', 'jsonl']);
    const { details } = z
      .object({ details: z.object({ reports: z.array(z.object({ format: z.string() })) }) })
      .parse(JSON.parse(made.stdout.trim().split('\n').at(-1) ?? ''));
    expect(details.reports.length).toBe((await readdir(join(pack, 'reports'))).length);
    const documents = await readdir(join(pack, 'evidence'));
    expect(documents.toSorted()).toEqual(
      found.attempts.map(({ evidence }) => `${evidence ?? ''}.json`).toSorted(),
    );
    const key = verifierKey((await readFile(join(guard.dataDir, 'audit-verifier-key'), 'utf8')).trim());
    const find = () => bothVerifiersFind(pack, { key, kept: [], witnesses: [] });
    expect(await find()).toEqual([]);
    const one = `evidence/${documents[0] ?? ''}`;
    await writeFile(join(pack, one), '{}');
    const page = 'reports/agent-release-bot.html';
    await writeFile(join(pack, page), 'all is well');
    expect(await find()).toEqual([
      `problem at 0: the file ${one} is not as it was packed (file-changed)`,
      `problem at 0: the file ${one} is not the document that it is named for (file-changed)`,
      `problem at 0: the file ${page} is not as it was packed (file-changed)`,
    ]);
  });
});
