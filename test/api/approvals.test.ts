// Requests for approval over HTTP: who sees what, who decides, and what is said to everybody else.
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HeldChangesAnswer, HeldFileChange } from '../../core/approval/changes.ts';
import type { HeldRequest } from '../../core/services.ts';
import { approvalView, type ApprovalView } from '../../server/api/approval-view.ts';
import { errorBody } from '../../server/api/json-errors.ts';
import { type ApiAnswer, type ApiBench, apiBench } from '../support/api.ts';
import { draftOf } from '../support/held.ts';

const file: HeldFileChange = {
  ref: 'refs/heads/main',
  path: 'a.txt',
  change: 'modify',
  oldMode: '100644',
  newMode: '100644',
  oldBytes: 4,
  newBytes: 8,
  binary: false,
  truncated: false,
  masked: 1,
  hunks: [{ oldStart: 1, oldLines: 0, newStart: 1, newLines: 1, lines: [{ kind: 'add', text: '***' }] }],
};

const slow = Promise.withResolvers<HeldChangesAnswer>();
const everywhere = [{ repository: '**', verbs: ['approve' as const] }];
let scene: ApiBench;
let tokens: Readonly<
  Record<'agent' | 'stranger' | 'ada' | 'bob' | 'cy' | 'elsewhere' | 'auditor' | 'breaker', string>
>;
beforeAll(async () => {
  scene = await apiBench({
    changes: {
      changes: async (_approval, after) =>
        after === null
          ? { kind: 'page', files: [file], total: 2, next: 'second' }
          : after === 'second'
            ? { kind: 'page', files: [file], total: 2, next: null }
            : after === 'slow'
              ? slow.promise
              : { kind: 'gone' },
    },
  });
  const reviewers = { kind: 'human' as const, groups: ['reviewers'] };
  const pushes = [{ repository: '**', verbs: ['push' as const] }];
  const behalf = { owner: 'human:ada', onBehalfOf: ['human:ada'] };
  tokens = {
    agent: await scene.issue({ kind: 'agent', name: 'coder', scopes: pushes, ...behalf }),
    stranger: await scene.issue({ kind: 'agent', name: 'other', scopes: pushes, ...behalf }),
    ada: await scene.issue({ ...reviewers, name: 'ada', scopes: everywhere }),
    bob: await scene.issue({ ...reviewers, name: 'bob', scopes: everywhere }),
    cy: await scene.issue({ ...reviewers, name: 'cy', scopes: everywhere }),
    elsewhere: await scene.issue({
      ...reviewers,
      name: 'eve',
      scopes: [{ repository: 'forge/acme/other', verbs: ['approve'] }],
    }),
    auditor: await scene.issue({
      kind: 'human',
      name: 'aud',
      scopes: [{ repository: '**', verbs: ['audit'] }],
    }),
    breaker: await scene.issue({
      kind: 'human',
      name: 'night',
      scopes: [{ repository: '**', verbs: ['break-glass'] }],
    }),
  };
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const open = (...args: Parameters<typeof draftOf>): Promise<HeldRequest> =>
  scene.held.approvals.request(draftOf(...args));
const errorOf = ({ body }: ApiAnswer) => errorBody.parse(body).error;
const seen = (answer: ApiAnswer): ApprovalView => {
  expect(answer).toMatchObject({ status: 200 });
  return approvalView.parse(answer.body);
};
const idsOf = ({ body }: ApiAnswer): readonly string[] =>
  (body as { approvals: readonly ApprovalView[] }).approvals.map(({ id }) => id);

describe('a request', () => {
  test('is shown with all that a reviewer and the agent need', async () => {
    const { id, url, expiresAt } = await open();
    const answer = await scene.call(tokens.bob, `/approvals/${id}`);
    expect(seen(answer)).toMatchObject({
      id,
      url,
      state: 'waiting',
      isFinal: false,
      repository: 'forge/acme/api',
      operation: 'push',
      actor: { kind: 'agent', id: 'agent:coder' },
      onBehalfOf: ['human:ada'],
      owner: 'human:ada',
      reason: 'because the tests say so',
      holds: [{ rule: 'hold-main', message: 'A push to main waits for a reviewer.' }],
      requirements: [
        { rule: 'hold-main', approvers: ['group:reviewers'], count: 1, agreed: 0, isMet: false },
      ],
      votes: [],
      breakGlass: null,
      expiresAt: expiresAt.toISOString(),
      links: { self: `/api/v1/approvals/${id}`, changes: `/api/v1/approvals/${id}/changes` },
    });
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(answer.text).not.toContain('held-');
  });

  test.each(['agent', 'ada', 'bob', 'auditor', 'breaker'] as const)('is there for %s', async (who) => {
    const { id } = await open();
    expect(seen(await scene.call(tokens[who], `/approvals/${id}`)).id).toBe(id);
    expect(idsOf(await scene.call(tokens[who], '/approvals?limit=1'))).toEqual([id]);
  });

  test.each(['stranger', 'elsewhere'] as const)(
    'is not there for %s, as if it did not exist',
    async (who) => {
      const { id } = await open();
      const paths = [`/approvals/${id}`, `/approvals/${id}/changes`, `/approvals/${id.slice(0, -1)}x`];
      const answers = await Promise.all(paths.map((path) => scene.call(tokens[who], path)));
      answers.push(await scene.call(tokens[who], `/approvals/${id}/approve`, { reason: 'mine' }));
      answers.push(await scene.call(tokens[who], `/approvals/${id}/cancel`, {}));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
      expect(new Set(answers.map((answer) => errorOf(answer).code))).toEqual(new Set(['approval/unknown']));
      expect(idsOf(await scene.call(tokens[who], '/approvals'))).toEqual([]);
    },
  );

  test('is approved by one person once, and the agent learns of it', async () => {
    const { id } = await open();
    const approved = seen(
      await scene.call(tokens.bob, `/approvals/${id}/approve`, { reason: 'looks right' }),
    );
    expect(approved).toMatchObject({
      state: 'approved',
      votes: [{ person: 'human:bob', decision: 'approve', comment: 'looks right', revokedAt: null }],
      requirements: [{ agreed: 1, isMet: true }],
    });
    const again = await scene.call(tokens.bob, `/approvals/${id}/approve`, {});
    expect([again.status, errorOf(again).code]).toEqual([409, 'approval/voted']);
    expect(seen(await scene.call(tokens.agent, `/approvals/${id}`)).state).toBe('approved');

    const revoked = seen(await scene.call(tokens.bob, `/approvals/${id}/revoke`, {}));
    expect(revoked).toMatchObject({ state: 'waiting', requirements: [{ agreed: 0, isMet: false }] });
    expect(revoked.votes[0]?.revokedAt).not.toBeNull();
    expect(seen(await scene.call(tokens.cy, `/approvals/${id}/deny`, { reason: 'not today' }))).toMatchObject(
      {
        state: 'denied',
        isFinal: true,
      },
    );
    const late = await scene.call(tokens.bob, `/approvals/${id}/approve`, {});
    expect([late.status, errorOf(late).code]).toEqual([409, 'approval/decided']);
  });

  test('is decided without a body as well', async () => {
    const { id } = await open();
    expect(seen(await scene.call(tokens.bob, `/approvals/${id}/approve`, null)).votes[0]?.comment).toBeNull();
  });

  test('is not decided by those who may not, and each try is in the audit log', async () => {
    const { id } = await open();
    const tries = [
      [tokens.agent, 'approve', {}, 403, 'identity/forbidden'],
      [tokens.ada, 'approve', { reason: 'I trust it' }, 403, 'approval/involved'],
      [tokens.auditor, 'deny', {}, 403, 'identity/forbidden'],
      [tokens.bob, 'break-glass', { reason: 'x'.repeat(20) }, 403, 'identity/forbidden'],
      [tokens.bob, 'cancel', {}, 403, 'approval/not-yours'],
    ] as const;
    for (const [token, what, body, status, code] of tries) {
      const answer = await scene.call(token, `/approvals/${id}/${what}`, body);
      expect([what, answer.status, errorOf(answer).code]).toEqual([what, status, code]);
    }
    const entries = (await scene.held.entries()).filter(({ details }) => details['approval'] === id);
    expect(entries.map(({ action }) => action)).toEqual([
      'approval.requested',
      ...tries.map(() => 'approval.forbidden'),
    ]);
    expect(entries.at(-1)).toMatchObject({
      actor: { id: 'human:bob' },
      repository: 'forge/acme/api',
      details: { wanted: 'cancel', code: 'approval/not-yours' },
    });
    expect(seen(await scene.call(tokens.bob, `/approvals/${id}`))).toMatchObject({
      state: 'waiting',
      votes: [],
    });
  });

  test('is withdrawn by the agent, or by the person it acts for', async () => {
    for (const who of ['agent', 'ada'] as const) {
      const { id } = await open();
      const cancelled = await scene.call(tokens[who], `/approvals/${id}/cancel`, { reason: 'a better way' });
      expect(seen(cancelled)).toMatchObject({ state: 'cancelled', note: 'a better way' });
    }
  });

  test('is approved by breaking the glass, which somebody else must review', async () => {
    const { id } = await open();
    const short = await scene.call(tokens.breaker, `/approvals/${id}/break-glass`, { reason: 'now' });
    expect([short.status, errorOf(short).code]).toEqual([400, 'input/invalid']);
    const reason = 'the site is down and nobody else is awake';
    expect(seen(await scene.call(tokens.breaker, `/approvals/${id}/break-glass`, { reason }))).toMatchObject({
      state: 'approved',
      breakGlass: { person: 'human:night', reason, review: null },
    });
    expect(idsOf(await scene.call(tokens.cy, '/approvals?review=open'))).toEqual([id]);
    const comment = 'it was the right thing to do';
    const closed = await scene.call(tokens.cy, `/approvals/${id}/close-review`, { comment });
    expect(seen(closed).breakGlass?.review).toMatchObject({ person: 'human:cy', comment });
    expect(idsOf(await scene.call(tokens.cy, '/approvals?review=open'))).toEqual([]);
  });

  test('is not touched where the audit log cannot be written', async () => {
    const { id } = await open();
    scene.held.auditWorks = false;
    try {
      const answer = await scene.call(tokens.ada, `/approvals/${id}/approve`, {});
      expect([answer.status, errorOf(answer).code]).toEqual([503, 'audit/unavailable']);
      expect((await scene.call(tokens.bob, `/approvals/${id}/changes`)).status).toBe(503);
    } finally {
      scene.held.auditWorks = true;
    }
  });
});

describe('what a request would change', () => {
  test('comes page by page, and that it was shown is in the audit log', async () => {
    const { id } = await open();
    const first = await scene.call(tokens.bob, `/approvals/${id}/changes`);
    expect(first).toMatchObject({ status: 200, body: { files: [file], total: 2, next: 'second' } });
    const second = await scene.call(tokens.bob, `/approvals/${id}/changes?after=second`);
    expect(second.body).toEqual({ files: [file], total: 2, next: null });
    const shown = (await scene.held.entries()).filter(
      ({ action, details }) => action === 'approval.shown' && details['approval'] === id,
    );
    expect(shown.map(({ actor, details }) => [actor?.id, details['from']])).toEqual([
      ['human:bob', null],
      ['human:bob', 'second'],
    ]);
  });

  test('is gone once what was held was let go', async () => {
    const { id } = await open();
    const answer = await scene.call(tokens.bob, `/approvals/${id}/changes?after=lost`);
    expect([answer.status, errorOf(answer).code]).toEqual([410, 'approval/gone']);
  });
});

test('the changes of a few requests are looked at at once', async () => {
  const { id } = await open();
  const path = `/approvals/${id}/changes?after=slow`;
  const waiting = [1, 2, 3, 4].map(() => scene.call(tokens.bob, path));
  await expect
    .poll(async () => (await scene.call(tokens.cy, `/approvals/${id}/changes?after=lost`)).status)
    .toBe(429);
  const refused = await scene.call(tokens.cy, path);
  expect([refused.status, errorOf(refused).code, refused.headers['retry-after']]).toEqual([
    429,
    'request/too-many',
    '5',
  ]);
  slow.resolve({ kind: 'page', files: [], total: 0, next: null });
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect((await scene.call(tokens.cy, path)).status).toBe(200);
});

describe('the list', () => {
  test('is filtered by state, repository and agent, newest first, in pages', async () => {
    const repository = 'forge/acme/listed';
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.unshift((await open({}, { repository })).id);
    const [newest = '', , middle = ''] = ids;
    await scene.call(tokens.bob, `/approvals/${middle}/deny`, {});
    const list = (query: string): Promise<ApiAnswer> =>
      scene.call(tokens.bob, `/approvals?repository=${encodeURIComponent(repository)}${query}`);
    expect(idsOf(await list(''))).toEqual(ids);
    expect(idsOf(await list('&state=waiting'))).toEqual(ids.filter((id) => id !== middle));
    expect(idsOf(await list('&state=denied,expired'))).toEqual([middle]);
    expect(idsOf(await list('&state=denied&state=waiting'))).toEqual(ids);
    expect(idsOf(await list('&agent=coder'))).toEqual(ids);
    expect(idsOf(await list('&agent=agent:nobody'))).toEqual([]);
    const page = await list('&limit=2');
    expect(idsOf(page)).toEqual(ids.slice(0, 2));
    const { next } = page.body as { next: string };
    expect(idsOf(await list(`&limit=2&before=${next}`))).toEqual(ids.slice(2, 4));
    const last = await list(`&limit=2&before=${ids[3]}`);
    expect([idsOf(last), (last.body as { next: unknown }).next]).toEqual([ids.slice(4), null]);

    await scene.held.expireIn(newest, -1);
    expect(idsOf(await list('&state=expired'))).toEqual([]);
    expect(idsOf(await list('&state=waiting'))).not.toContain(newest);
    expect(idsOf(await list('&state=expired'))).toEqual([newest]);
  });

  test('of a person for some repositories has those alone, whatever lies between', async () => {
    const mine = await open({}, { repository: 'forge/acme/other' });
    for (let count = 0; count < 3; count += 1) await open();
    expect(idsOf(await scene.call(tokens.elsewhere, '/approvals?limit=1'))).toEqual([mine.id]);
    expect(idsOf(await scene.call(tokens.elsewhere, '/approvals'))).toEqual([mine.id]);
    expect(idsOf(await scene.call(tokens.stranger, '/approvals?agent=coder'))).toEqual([]);
  });
});

describe('a bad request', () => {
  test.each([
    ['an unknown state', '/approvals?state=pending', /^the query of the request is not valid: state: /],
    ['a limit that is too large', '/approvals?limit=1000', /limit: /],
    ['an unknown parameter', '/approvals?colour=red', /the query of the request is not valid/],
    ['an id that is none', '/approvals/%2e%2e%2fx', /^the path of the request is not valid: id: /],
  ])('with %s is told what is wrong', async (_title, path, message) => {
    const answer = await scene.call(tokens.bob, path);
    expect([answer.status, errorOf(answer).code]).toEqual([400, 'input/invalid']);
    expect(errorOf(answer).message).toMatch(message);
    expect(errorOf(answer).remedy).toMatch(/^Correct /);
    expect(errorOf(answer).request).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is told of its body without quoting it', async () => {
    const { id } = await open();
    const url = `/api/v1/approvals/${id}/approve`;
    const authorization = `Bearer ${tokens.bob}`;
    const bodies = [
      ['application/json', '{"reason": "se', 'the body is not valid JSON'],
      ['application/x-www-form-urlencoded', 'reason=x', 'the body must be JSON'],
      ['application/json', '{"raison": "secret"}', 'the body of the request is not valid'],
      ['application/json', `{"reason": "${'x'.repeat(2_001)}"}`, 'reason: '],
      ['application/json', `{"reason": "${'x'.repeat(70_000)}"}`, 'the body is too large'],
    ] as const;
    for (const [type, payload, message] of bodies) {
      const headers = { authorization, 'content-type': type };
      const answer = await scene.http.inject({ method: 'POST', url, headers, payload });
      const { error } = errorBody.parse(answer.json());
      expect([answer.statusCode, error.code]).toEqual([400, 'input/invalid']);
      expect(error.message).toContain(message);
      expect(answer.body).not.toContain('secret');
    }
  });

  test('without a token, with a bad one, and to an unknown path is answered as JSON', async () => {
    const missing = await scene.call(undefined, '/approvals');
    expect([missing.status, errorOf(missing).code]).toEqual([401, 'identity/missing']);
    expect(missing.headers['www-authenticate']).toBe('Bearer realm="forgeguard"');
    const bad = await scene.call('fg_bad', '/approvals');
    expect([bad.status, errorOf(bad).code]).toEqual([401, 'identity/invalid']);
    const lost = await scene.call(tokens.bob, '/nothing');
    expect([lost.status, errorOf(lost).code]).toEqual([404, 'route/unknown-path']);
  });
});

test('polling is limited for each principal, whichever token it shows', async () => {
  await using small = await apiBench({ requestsPerMinute: 3 });
  const scopes = everywhere;
  const first = await small.issue({ kind: 'human', name: 'bob', scopes });
  const second = await small.issue({ kind: 'human', name: 'bob', scopes });
  const other = await small.issue({ kind: 'human', name: 'cy', scopes });
  const statuses: number[] = [];
  for (const token of [first, second, first]) statuses.push((await small.call(token, '/approvals')).status);
  expect(statuses).toEqual([200, 200, 200]);
  const refused = await small.call(second, '/approvals');
  expect([refused.status, errorOf(refused).code]).toEqual([429, 'request/too-many']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect((await small.call(other, '/approvals')).status).toBe(200);
});

test('the description is valid OpenAPI 3.1, tells every route, and needs no token', async () => {
  const { status, body } = await scene.call(undefined, '/openapi.json');
  expect(status).toBe(200);
  const result = await new Validator().validate(body as Record<string, unknown>);
  expect(result).toMatchObject({ valid: true });
  const document = body as { openapi: string; paths: Record<string, Record<string, object>> };
  expect(document.openapi).toBe('3.1.0');
  const told = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(told.toSorted()).toEqual(
    [
      'get /api/v1/approvals',
      'get /api/v1/approvals/{id}',
      'get /api/v1/approvals/{id}/changes',
      ...['approve', 'break-glass', 'cancel', 'close-review', 'deny', 'revoke'].map(
        (name) => `post /api/v1/approvals/{id}/${name}`,
      ),
      'post /api/v1/audit/shreds',
      'post /api/v1/audit/shreds/{id}/approve',
    ].toSorted(),
  );
  expect(JSON.stringify(body)).toContain('#/components/schemas/Approval"');
  expect(JSON.stringify(body)).not.toContain('Default Response');
});
