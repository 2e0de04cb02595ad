// Every action of the audit log is shown to be recorded: by a guard that is made to do it here, or by a test that is named
// and looks for the entry. An action without a proof does not compile, and fails.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditActions, type AuditAction } from '../../core/audit-event.ts';
import { createTokenOffice } from '../../server/identity/tokens.ts';
import { createCaller } from '../support/api-caller.ts';
import { ok, withCredentials } from '../support/client.ts';
import { type PeopleForge, startPeopleForge } from '../support/people-forge.ts';
import { phiSample } from '../support/phi.ts';
import { csrfIn } from '../support/web-client.ts';

/** Driven here, or by the named test, in which `mark` (the action unless given) is looked for. */
type Proof = 'here' | { readonly test: string; readonly mark?: string };

const approvals = 'test/approvals/service.test.ts';
const deployments = 'test/e2e/github-deployments.test.ts';
const logs = 'test/e2e/github-logs.test.ts';
const artifacts = 'test/e2e/github-artifacts.test.ts';
const retention = 'test/audit/retention.test.ts';
const shipping = 'test/sinks/shipping.test.ts';

const proofs: Readonly<Record<AuditAction, Proof>> = {
  'guard.clock-jumped': { test: retention },
  'guard.started': 'here',
  'guard.stopped': 'here',
  'guard.weakened': 'here',
  'policy.loaded': 'here',
  'identity.refused': 'here',
  'identity.locked-out': { test: 'test/admission/lockout.test.ts' },
  'token.created': 'here',
  'token.revoked': 'here',
  'person.created': 'here',
  'person.changed': 'here',
  'person.deactivated': 'here',
  'person.reactivated': 'here',
  'person.role-granted': { test: 'test/web/sign-in.test.ts' },
  'group.changed': 'here',
  'login.refused': { test: 'test/web/sign-in.test.ts' },
  'session.started': 'here',
  'session.ended': 'here',
  'administrator-link.issued': 'here',
  'session.opened': { test: 'test/identity/token-exchange.test.ts' },
  'session.revoked': { test: 'test/identity/revocation.test.ts' },
  'principal.revoked': { test: 'test/identity/revocation.test.ts' },
  'device.approved': { test: 'test/web/device.test.ts' },
  'device.denied': { test: 'test/web/device.test.ts' },
  'device.reused': { test: 'test/web/device.test.ts' },
  'fetch.served': 'here',
  'fetch.refused': 'here',
  'push.received': 'here',
  'push.decided': 'here',
  'push.held': { test: 'test/e2e/held-push.test.ts' },
  'push.forwarded': 'here',
  'push.refused': 'here',
  'push.unknown': { test: 'test/e2e/upstream-faults.test.ts' },
  'bypass.detected': { test: 'test/e2e/github-bypass.test.ts' },
  'bypass.scanned': { test: 'test/e2e/github-bypass.test.ts' },
  'bypass.unlisted': { test: 'test/e2e/github-long-push.test.ts' },
  'repository.moved': { test: 'test/e2e/github-bypass-reports.test.ts' },
  'repository.unwatched': { test: 'test/e2e/github-sight.test.ts' },
  'repository.watched': { test: 'test/e2e/github-sight.test.ts' },
  'github-app.created': { test: 'test/e2e/github-setup.test.ts' },
  'pull-request.checked': { test: 'test/e2e/github-pull.test.ts' },
  'merge-group.checked': { test: 'test/e2e/github-webhooks.test.ts' },
  'deploy.decided': { test: deployments },
  'deploy.held': { test: deployments },
  'deploy.forwarded': { test: deployments },
  'deploy.refused': { test: deployments },
  'log.scanned': { test: logs },
  'log.unscanned': { test: logs },
  'log.deleting': { test: logs },
  'log.deleted': { test: logs },
  'log.deletion-failed': { test: logs },
  'artifact.scanned': { test: artifacts },
  'artifact.unscanned': { test: artifacts },
  'artifact.deleting': { test: artifacts },
  'artifact.deleted': { test: artifacts },
  'artifact.deletion-failed': { test: artifacts },
  'evidence.kept': 'here',
  'scan.reported': { test: 'test/actions/guard.test.ts' },
  'audit.anchor-failed': { test: 'test/audit/anchoring.test.ts' },
  'audit.anchor-resumed': { test: 'test/audit/anchoring.test.ts' },
  'audit.checkpoint-store-failed': { test: 'test/audit/several-guards.test.ts' },
  'audit.checkpoint-store-resumed': { test: 'test/audit/several-guards.test.ts' },
  'audit.exported': 'here',
  'audit.hold-added': { test: retention },
  'audit.hold-released': { test: retention },
  'audit.key-rotated': 'here',
  'audit.keys-rewrapped': { test: 'test/audit/rewrap.test.ts' },
  'audit.fingerprint-key-rotated': { test: 'test/audit/fingerprint-key.test.ts' },
  'audit.pruned': { test: retention },
  'audit.read': 'here',
  'audit.refused': 'here',
  'audit.report-made': { test: 'test/e2e/reports.test.ts' },
  'audit.resumed': { test: 'test/audit/outage.test.ts' },
  'audit.shred-requested': { test: 'test/audit/sealing.test.ts' },
  'audit.shredded': { test: 'test/audit/sealing.test.ts' },
  'audit.sink-failed': { test: shipping },
  'audit.sink-refused': { test: shipping },
  'audit.sink-resumed': { test: shipping },
  'audit.timestamp-failed': { test: 'test/audit/timestamps.test.ts' },
  'audit.timestamp-resumed': { test: 'test/audit/timestamps.test.ts' },
  'audit.witness-failed': { test: 'test/audit/witness.test.ts' },
  'audit.witness-resumed': { test: 'test/audit/witness.test.ts' },
  'approval.requested': { test: 'test/e2e/sessions.test.ts' },
  'approval.voted': { test: 'test/e2e/sessions.test.ts' },
  'approval.vote-revoked': { test: approvals, mark: "'vote-revoked'" },
  'approval.glass-broken': { test: 'test/e2e/notifications.test.ts' },
  'approval.glass-reviewed': { test: 'test/e2e/notifications.test.ts' },
  'approval.approved': { test: 'test/e2e/sessions.test.ts' },
  'approval.reopened': { test: approvals, mark: "'reopened'" },
  'approval.escalated': { test: 'test/approvals/escalation.test.ts' },
  'approval.denied': { test: approvals, mark: "'denied'" },
  'approval.expired': { test: 'test/e2e/held-clock.test.ts' },
  'approval.superseded': { test: approvals, mark: "'superseded'" },
  'approval.cancelled': { test: approvals, mark: "'cancelled'" },
  'approval.applying': { test: 'test/e2e/sessions.test.ts' },
  'approval.applied': { test: 'test/e2e/sessions.test.ts' },
  'approval.failed': { test: 'test/approvals/apply.test.ts', mark: "'failed'" },
  'approval.stale': { test: 'test/approvals/apply.test.ts', mark: "'stale'" },
  'approval.shown': { test: 'test/api/approvals.test.ts' },
  'approval.forbidden': { test: 'test/api/approvals.test.ts' },
};

let scene: PeopleForge;
let recorded: ReadonlySet<string>;

async function usePeople(): Promise<void> {
  const { client, page } = await scene.browserOf('ada');
  const csrf = csrfIn(page);
  await client.submit(`${scene.url}/ui/sign-out`, { csrf });
  const { body } = await scene.scim('POST', '/Users', { userName: 'grace@example.org', active: true });
  const user = `/Users/${String(body['id'])}`;
  const patch = (path: string, value: unknown): Promise<unknown> =>
    scene.scim('PATCH', user, { Operations: [{ op: 'replace', path, value }] });
  await patch('displayName', 'Grace');
  await scene.scim('POST', '/Groups', { displayName: 'staff', members: [{ value: body['id'] }] });
  await patch('active', false);
  await patch('active', true);
}

async function useGit(): Promise<void> {
  const { tree, bareUrl } = await scene.forge.cloneOfNew();
  await tree.commit('Change', { 'a.txt': 'a\n' });
  ok(await tree.push('HEAD:refs/heads/agent/a'));
  const sample = phiSample('fhir');
  await tree.commit('Fixture', { [sample.path]: sample.text });
  await tree.push('HEAD:refs/heads/agent/a');
  const { token } = await scene.forge.issue({ repository: 'forge/elsewhere', name: 'stranger' });
  await scene.forge.client.git(['ls-remote', withCredentials(bareUrl, 'agent', token)]);
  await scene.forge.client.git(['ls-remote', withCredentials(bareUrl, 'agent', token.replace(/.$/, 'x'))]);
}

async function useAudit(): Promise<void> {
  const { database } = scene.forge.database;
  const { guard } = scene.forge;
  const ask = (token: string): Promise<Response> =>
    fetch(`${guard.url}/audit/tile/entries/000.p/1`, { headers: { authorization: `Bearer ${token}` } });
  const auditor = await createCaller(database, guard.url, {
    name: 'auditor',
    scopes: [{ repository: '**', verbs: ['audit'] }],
  });
  await ask(auditor.token);
  await ask(scene.forge.token);
  await guard.command(['audit', 'list', '--action', 'guard.']);
  await guard.command(['audit', 'rotate-key']);
  const office = createTokenOffice({ database, clock: { now: () => new Date() }, maxLifetime: 86_400 });
  const { id } = await scene.forge.issue({ name: 'short' });
  await office.revoke(id, 'test');
}

const actionsSql = `select distinct substring(encode(body, 'escape') from '^\\{"action":"([a-z.-]+)"') as action from audit_entry`;

async function actionsInLog(): Promise<ReadonlySet<string>> {
  const rows = await scene.forge.database.database.query<{ readonly action: string }>(actionsSql);
  return new Set(rows.map(({ action }) => action));
}

const here = auditActions.filter((action) => Reflect.get(proofs, action) === 'here');

beforeAll(async () => {
  scene = await startPeopleForge({
    // A forge that judges the clients' own credentials is a weakening.
    forges: [{ name: 'own', url: 'http://127.0.0.1:9', credential: { mode: 'passthrough' } }],
    web: { memberGroups: ['staff', 'code-review'] },
  });
  await usePeople();
  await useGit();
  await useAudit();
  const late = Date.now() + 15_000;
  const missing = async (): Promise<boolean> => {
    const found = await actionsInLog();
    return here.some((action) => action !== 'guard.stopped' && !found.has(action));
  };
  // Tokens and evidence are recorded a little later.
  while (Date.now() < late && (await missing())) await new Promise((resolve) => setTimeout(resolve, 200));
  await scene.forge.guard.stop();
  recorded = await actionsInLog();
}, 120_000);
afterAll(async () => scene?.[Symbol.asyncDispose]());

describe('is recorded', () => {
  test.each(here)('%s', (action) => {
    expect([...recorded]).toContain(action);
  });
});

describe('has a test that looks for it', () => {
  const named = Object.entries(proofs).flatMap(([action, proof]) =>
    proof === 'here' ? [] : [{ action, ...proof }],
  );
  test.each(named)('$action', async ({ action, test: path, mark = action }) => {
    const source = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
    const code = source.split('\n').filter((line) => !/^\s*(\/\/|\*)/.test(line));
    expect(
      code.filter((line) => line.includes(mark)).length,
      `${path} does not look for ${mark}`,
    ).toBeGreaterThan(0);
  });
});

test('no action is without a proof', () => {
  const proved = new Set(Object.keys(proofs));
  expect(auditActions.filter((action) => !proved.has(action))).toEqual([]);
});
