// Signing in by SAML 2.0 with answers that are as they should be, and with every one that must not be believed.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PeopleForge, startPeopleForge } from '../support/people-forge.ts';
import { assertionXml, makeSamlServer, readSamlRequest, responseXml } from '../support/saml-server.ts';
import { type SamlFacts, type SamlRequest, signedAnswer, signElement } from '../support/saml-server.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { type WebAnswer, WebClient } from '../support/web-client.ts';

const idp = makeSamlServer();
const stranger = makeSamlServer();
let directory: TemporaryDirectory;
let scene: PeopleForge;

beforeAll(async () => {
  directory = await temporaryDirectory('saml');
  const certificateFile = join(directory.path, 'idp.pem');
  await writeFile(certificateFile, idp.certificate);
  scene = await startPeopleForge({
    identity: {
      saml: [
        {
          name: 'saml',
          issuer: idp.issuer,
          signInUrl: idp.signInUrl,
          certificateFile,
          domains: ['example.org'],
        },
      ],
    },
  });
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await directory.remove();
});

async function begin(client: WebClient): Promise<SamlRequest> {
  const away = await client.once(`${scene.url}/ui/sign-in/saml`);
  return readSamlRequest(away.headers.get('location') ?? '');
}

/** Sends an answer as the browser does, from the provider's page. */
function send(client: WebClient, request: SamlRequest, xml: string): Promise<WebAnswer> {
  return client.once(request.assertionUrl, {
    method: 'POST',
    body: new URLSearchParams({
      SAMLResponse: Buffer.from(xml).toString('base64'),
      RelayState: request.relayState,
    }),
    headers: { origin: 'https://idp.example', 'sec-fetch-site': 'cross-site' },
  });
}

async function signInWith(make: (request: SamlRequest) => string): Promise<WebAnswer> {
  const client = new WebClient();
  const request = await begin(client);
  return send(client, request, make(request));
}

async function lastReason(): Promise<unknown> {
  return (await scene.forge.audit()).findLast(({ action }) => action === 'login.refused')?.details['reason'];
}

describe('an answer as it should be', () => {
  test('signs in, with name, groups and how the person was authenticated', async () => {
    const client = new WebClient();
    const request = await begin(client);
    expect(request.assertionUrl).toBe(`${scene.url}/ui/sign-in/saml/assertion`);
    const answer = await send(client, request, signedAnswer(idp, request));
    expect(answer.status).toBe(303);
    const page = await client.open(`${scene.url}/ui`);
    expect(page.text).toContain('Ada Reviewer');
    expect(page.text).toContain('human:ada@example.org');
    const entry = (await scene.forge.audit()).findLast(({ action }) => action === 'session.started');
    expect(entry?.actor).toMatchObject({ id: 'human:ada@example.org', issuer: idp.issuer, proof: 'web' });
    expect(entry?.details).toMatchObject({
      proof: 'saml',
      acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken',
    });
  });

  test('is asked for by metadata that a provider can read', async () => {
    const { status, text } = await new WebClient().open(`${scene.url}/ui/sign-in/saml/metadata`);
    expect(status).toBe(200);
    expect(text).toContain(`entityID="${scene.url}/ui/sign-in/saml/metadata"`);
    expect(text).toContain(`Location="${scene.url}/ui/sign-in/saml/assertion"`);
    expect(text).toContain('WantAssertionsSigned="true"');
  });
});

describe('an answer is refused', () => {
  test('a second time, also as a fresh answer with the same assertion', async () => {
    const client = new WebClient();
    const request = await begin(client);
    const xml = signedAnswer(idp, request);
    const name = '__Host-forgeguard-saml';
    const cookie = client.cookies(scene.url).get(name) ?? '';
    expect((await send(client, request, xml)).status).toBe(303);
    client.cookies(scene.url).set(name, cookie);
    expect((await send(client, request, xml)).status).toBe(403);
    expect(await lastReason()).toBe('state');
    const assertionId = '_the-same-assertion';
    expect((await signInWith((one) => signedAnswer(idp, one, { assertionId }))).status).toBe(303);
    expect((await signInWith((one) => signedAnswer(idp, one, { assertionId }))).status).toBe(403);
    expect(await lastReason()).toBe('replayed');
  });

  test('in another browser than the one that began', async () => {
    const request = await begin(new WebClient());
    const other = new WebClient();
    await begin(other);
    expect((await send(other, request, signedAnswer(idp, request))).status).toBe(403);
    expect((await send(new WebClient(), request, signedAnswer(idp, request))).status).toBe(403);
  });

  const facts: readonly (readonly [string, (request: SamlRequest) => SamlFacts])[] = [
    ['for another audience', () => ({ audience: 'https://other.example' })],
    ['for another recipient', () => ({ recipient: 'https://other.example/acs' })],
    ['to another request', () => ({ inResponseTo: '_somebody-elses-request' })],
    ['to no request', () => ({ inResponseTo: '' })],
    ['of another issuer', () => ({ issuer: 'https://evil.example' })],
    ['that has run out', () => ({ notOnOrAfter: -120 })],
    ['that is not valid yet', () => ({ notBefore: 300, notOnOrAfter: 600 })],
    [
      'that whoever holds a key must confirm',
      () => ({ method: 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key' }),
    ],
    ['without a name', () => ({ nameId: '' })],
  ];
  test.each(facts)('%s', async (_what, change) => {
    const answer = await signInWith((request) => signedAnswer(idp, request, change(request)));
    expect(answer.status).toBe(403);
    expect(answer.headers.getSetCookie().join()).not.toContain('forgeguard-session=');
  });

  const wholes: readonly (readonly [string, (request: SamlRequest) => string])[] = [
    ['without signatures', (request) => responseXml(idp, request, assertionXml(idp, request))],
    [
      'with a signed assertion alone',
      (request) => responseXml(idp, request, signElement(assertionXml(idp, request), 'Assertion', idp.key)),
    ],
    [
      'with a signed response alone',
      (request) => signElement(responseXml(idp, request, assertionXml(idp, request)), 'Response', idp.key),
    ],
    [
      'signed with a key that nobody configured',
      (request) => signedAnswer({ ...stranger, issuer: idp.issuer }, request),
    ],
    [
      'changed after it was signed',
      (request) => signedAnswer(idp, request).replace('ada@example.org', 'olu@example.org'),
    ],
    [
      'with a comment in the name',
      (request) => signedAnswer(idp, request, { nameId: 'ada@example.org<!-- -->.evil.example' }),
    ],
    [
      'with a processing instruction in the name',
      (request) => signedAnswer(idp, request).replace('ada@example.org', 'ada@<?x?>example.org'),
    ],
    [
      'with a document type and an outside entity',
      (request) =>
        `<!DOCTYPE Response [<!ENTITY x SYSTEM "file:///etc/passwd">]>${signedAnswer(idp, request)}`.replace(
          'Ada Reviewer',
          '&x;',
        ),
    ],
    [
      'with entities that grow',
      (request) =>
        `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${signedAnswer(idp, request)}`,
    ],
    ['with a second assertion in front', (request) => wrap(request, 'before')],
    ['with the signed assertion moved aside', (request) => wrap(request, 'inside')],
    ['that is no XML', () => 'not XML at all'],
    ['that only says that it failed', (request) => responseXml(idp, request, '')],
  ];
  test.each(wholes)('%s', async (_what, make) => {
    const answer = await signInWith(make);
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('login/refused');
    expect(answer.text).not.toContain('root:');
    expect(answer.headers.getSetCookie().join()).not.toContain('forgeguard-session=');
  });
});

/** Signature wrapping: a good signature over what is not read. */
function wrap(request: SamlRequest, how: 'before' | 'inside'): string {
  const good = signElement(assertionXml(idp, request), 'Assertion', idp.key);
  const forged = assertionXml(idp, request, { nameId: 'olu@example.org', assertionId: '_forged' });
  if (how === 'before') {
    const answer = signElement(responseXml(idp, request, good), 'Response', idp.key);
    return answer.replace('<saml:Assertion', `${forged}<saml:Assertion`);
  }
  // The response that was signed is put away into an extension of a new one, whose assertion is forged.
  const signed = signElement(responseXml(idp, request, good), 'Response', idp.key);
  const signature = /<(?:ds:)?Signature .*?<\/(?:ds:)?Signature>/s.exec(signed)?.[0] ?? '';
  const outer = responseXml(idp, request, forged);
  return outer.replace(
    '<samlp:Status>',
    `${signature}<samlp:Extensions>${signed}</samlp:Extensions><samlp:Status>`,
  );
}
