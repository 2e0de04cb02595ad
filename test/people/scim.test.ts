// SCIM as directories speak it: users and groups come, change and go; and what becomes of people then.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PeopleForge, startPeopleForge } from '../support/people-forge.ts';

let scene: PeopleForge;
beforeAll(async () => {
  scene = await startPeopleForge({ web: { memberGroups: ['staff', 'code-review', 'agents'] } });
});
afterAll(() => scene[Symbol.asyncDispose]());

const user = (userName: string, more: object = {}): object => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName,
  active: true,
  ...more,
});

const patch = (...operations: readonly object[]): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: operations,
});

/** Somebody in the group that everybody must have one of. */
async function createMember(userName: string): Promise<string> {
  const { body } = await scene.scim('POST', '/Users', user(userName));
  const id = String(body['id']);
  const { body: found } = await scene.scim(
    'GET',
    `/Groups?filter=${encodeURIComponent('displayName eq "staff"')}`,
  );
  const [group] = found['Resources'] as { id: string }[];
  if (group === undefined)
    await scene.scim('POST', '/Groups', { displayName: 'staff', members: [{ value: id }] });
  else
    await scene.scim(
      'PATCH',
      `/Groups/${group.id}`,
      patch({ op: 'Add', path: 'members', value: [{ value: id }] }),
    );
  return id;
}

describe('users', () => {
  test('come, are found again, change and go', async () => {
    const made = await scene.scim(
      'POST',
      '/Users',
      user('Grace@Example.org', {
        externalId: '00u1',
        name: { givenName: 'Grace', familyName: 'Hopper' },
        emails: [{ value: 'other@example.org' }, { value: 'grace@example.org', primary: true, type: 'work' }],
        title: 'Rear admiral',
      }),
    );
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      userName: 'grace@example.org',
      externalId: '00u1',
      displayName: 'Grace Hopper',
      emails: [{ value: 'grace@example.org', primary: true }],
      meta: { resourceType: 'User' },
    });
    const id = String(made.body['id']);
    expect(made.headers.get('location')).toBe(`${scene.url}/scim/v2/Users/${id}`);
    expect(made.headers.get('content-type')).toContain('application/scim+json');
    for (const filter of ['userName eq "GRACE@example.org"', 'externalId eq "00u1"']) {
      const { body } = await scene.scim('GET', `/Users?filter=${encodeURIComponent(filter)}`);
      expect(body).toMatchObject({ totalResults: 1, startIndex: 1, itemsPerPage: 1, Resources: [{ id }] });
    }
    const none = await scene.scim(
      'GET',
      `/Users?filter=${encodeURIComponent('userName eq "nobody@example.org"')}`,
    );
    expect(none.body).toMatchObject({ totalResults: 0, Resources: [] });
    const replaced = await scene.scim(
      'PUT',
      `/Users/${id}`,
      user('grace@example.org', { displayName: 'G. Hopper' }),
    );
    expect(replaced.body).toMatchObject({ displayName: 'G. Hopper' });
    expect(replaced.body).not.toHaveProperty('externalId');
    expect((await scene.scim('DELETE', `/Users/${id}`)).status).toBe(204);
    expect((await scene.scim('GET', `/Users/${id}`)).status).toBe(404);
    const again = await scene.scim('POST', '/Users', user('grace@example.org'));
    expect(again.status).toBe(201);
  });

  test.each([
    ['as Okta writes it', { op: 'replace', value: { active: false } }],
    ['as Entra writes it', { op: 'Replace', path: 'active', value: 'False' }],
    [
      'by the whole name of the attribute',
      { op: 'replace', path: 'urn:ietf:params:scim:schemas:core:2.0:User:active', value: false },
    ],
  ])('are deactivated %s', async (how, operation) => {
    const id = await createMember(`${how.replaceAll(/\W/g, '')}@example.org`);
    expect((await scene.scim('GET', `/Users/${id}`)).body).toMatchObject({ active: true });
    const { status, body } = await scene.scim('PATCH', `/Users/${id}`, patch(operation));
    expect(status).toBe(200);
    expect(body).toMatchObject({ active: false });
    const back = await scene.scim(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'replace', path: 'active', value: true }),
    );
    expect(back.body).toMatchObject({ active: true });
  });

  test('have names of their own', async () => {
    await scene.scim('POST', '/Users', user('one@example.org', { externalId: 'same' }));
    const twice = await scene.scim('POST', '/Users', user('ONE@example.org'));
    expect(twice.status).toBe(409);
    expect(twice.body).toMatchObject({ status: '409', scimType: 'uniqueness' });
    expect((await scene.scim('POST', '/Users', user('two@example.org', { externalId: 'same' }))).status).toBe(
      409,
    );
  });

  test.each([
    ['no name', { active: true }],
    ['a name that is none', user('../../etc')],
    ['a name of another kind', { userName: 5 }],
  ])('are refused with %s', async (_what, body) => {
    const answer = await scene.scim('POST', '/Users', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'] });
  });

  test('are listed in pages, and by no other filter', async () => {
    const { body } = await scene.scim('GET', '/Users?startIndex=2&count=1');
    expect(body).toMatchObject({ startIndex: 2, itemsPerPage: 1 });
    expect(Number(body['totalResults'])).toBeGreaterThan(2);
    for (const filter of ['userName sw "a"', 'userName eq a', 'password eq "x"', `userName eq "x" or 1 eq 1`])
      expect((await scene.scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)).status, filter).toBe(
        400,
      );
  });
});

describe('groups', () => {
  test('give and take membership, and whoever loses the last one is offboarded', async () => {
    const id = await createMember('zoe@example.org');
    const { body } = await scene.scim(
      'GET',
      `/Groups?filter=${encodeURIComponent('displayName eq "staff"')}`,
    );
    const [group] = body['Resources'] as { id: string; members: { value: string }[] }[];
    expect(group?.members.map(({ value }) => value)).toContain(id);
    expect((await scene.scim('GET', `/Users/${id}`)).body).toMatchObject({
      active: true,
      groups: [{ display: 'staff' }],
    });
    const path = `members[value eq "${id}"]`;
    const taken = await scene.scim('PATCH', `/Groups/${group?.id}`, patch({ op: 'remove', path }));
    expect(taken.status).toBe(200);
    expect((await scene.scim('GET', `/Users/${id}`)).body).toMatchObject({ active: false });
    const ended = (await scene.forge.audit()).findLast(({ action }) => action === 'person.deactivated');
    expect(ended?.details).toMatchObject({ person: 'human:zoe@example.org', endedBy: 'groups' });
    await scene.scim(
      'PATCH',
      `/Groups/${group?.id}`,
      patch({ op: 'add', path: 'members', value: [{ value: id }] }),
    );
    expect((await scene.scim('GET', `/Users/${id}`)).body).toMatchObject({ active: true });
    const changed = (await scene.forge.audit()).filter(({ action }) => action === 'group.changed');
    expect(changed.at(-2)?.details).toMatchObject({ group: 'staff', removed: ['human:zoe@example.org'] });
  });

  test('of the directory count more than what a provider says', async () => {
    scene.logins.accounts.set('pat', { email: 'pat@example.org', groups: ['staff'] });
    const first = await scene.browserOf('pat');
    expect(first.page.text).toContain('person/ended');
    await createMember('pat2@example.org');
    scene.logins.accounts.set('nan', { email: 'nan@example.org', groups: ['nothing'] });
    expect((await scene.browserOf('nan')).page.text).toContain('person/ended');
    expect((await scene.browserOf('ada')).page.status).toBe(200);
  });
});

describe('the door', () => {
  test.each([
    ['none', undefined],
    ['another token', 'x'.repeat(48)],
  ])('is closed with %s', async (_what, token) => {
    const answer = await fetch(`${scene.url}/scim/v2/Users`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });

  test('is closed to tokens of the guard, and opens nothing else', async () => {
    expect((await scene.scim('GET', '/Users', undefined, scene.forge.token)).status).toBe(401);
  });

  test('tells what is behind it', async () => {
    const config = await scene.scim('GET', '/ServiceProviderConfig');
    expect(config.body).toMatchObject({ patch: { supported: true }, bulk: { supported: false } });
    const types = await scene.scim('GET', '/ResourceTypes');
    expect(types.body).toMatchObject({ totalResults: 2, Resources: [{ name: 'User' }, { name: 'Group' }] });
    expect((await scene.scim('GET', '/Schemas')).body).toMatchObject({ totalResults: 2 });
  });
});
