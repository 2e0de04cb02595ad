// From the checked text to the settings of people in force: secrets and certificates read.
import { X509Certificate } from 'node:crypto';
import type { z } from 'zod';
import type { ValuePath } from '../core/yaml.ts';
import { isLoopback } from './address.ts';
import type { ReferenceReader } from './config-references.ts';
import type { SecretRef } from './config-values.ts';
import type { OidcLoginDocument, SamlLoginDocument, scimSchema, webSchema } from './web-login-schema.ts';
import type { LoginProvider, OidcLogin, PeopleSettings, SamlLogin } from './web-login-types.ts';

type Fault = (path: ValuePath, message: string) => void;

export interface WrittenPeople {
  readonly web: z.output<typeof webSchema>;
  readonly saml: readonly SamlLoginDocument[];
  readonly scim?: z.output<typeof scimSchema> | undefined;
}

const leastTokenLength = 32;

/** The settings of people, with their problems told to `fault`. */
export async function resolvePeople(
  references: ReferenceReader,
  fault: Fault,
  written: WrittenPeople,
  publicUrl: string | undefined,
): Promise<PeopleSettings> {
  const { web, saml, scim } = written;
  const providers: LoginProvider[] = [];
  for (const [index, provider] of web.oidc.entries())
    providers.push(await oidcLogin(references, provider, ['identity', 'web', 'oidc', index]));
  for (const [index, provider] of saml.entries())
    providers.push(await samlLogin(references, provider, ['identity', 'saml', index]));
  checkNames(fault, written);
  if (providers.length > 0) checkPublicUrl(fault, publicUrl);
  if (web.session.idle > web.session.absolute)
    fault(['identity', 'web', 'session', 'idle'], 'must not be longer than `absolute`');
  return {
    providers,
    roles: web.roles,
    memberGroups: web.memberGroups,
    session: web.session,
    scimToken:
      scim === undefined
        ? undefined
        : await scimToken(references, fault, scim.token, ['identity', 'scim', 'token']),
  };
}

async function oidcLogin(
  references: ReferenceReader,
  written: OidcLoginDocument,
  path: ValuePath,
): Promise<OidcLogin> {
  const secret = written.clientSecret;
  const ca =
    written.caFile === undefined
      ? undefined
      : await references.certificates(written.caFile, [...path, 'caFile']);
  return {
    kind: 'oidc',
    name: written.name,
    label: written.label ?? written.name,
    domains: written.domains.map((domain) => domain.toLowerCase()),
    issuer: written.issuer,
    clientId: written.clientId,
    ...(secret === undefined
      ? {}
      : { clientSecret: await references.secret(secret, [...path, 'clientSecret']) }),
    scopes: [...new Set(['openid', ...written.scopes])],
    groupsClaim: written.groupsClaim,
    acrValues: written.acrValues,
    ...(ca === undefined ? {} : { ca }),
  };
}

async function samlLogin(
  references: ReferenceReader,
  written: SamlLoginDocument,
  path: ValuePath,
): Promise<SamlLogin> {
  const certificates: string[] = [];
  for (const file of written.certificateFile) {
    const text = await references.certificates(file, [...path, 'certificateFile']);
    // One at a time: several in one file would be read as the first.
    for (const pem of text?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [])
      certificates.push(new X509Certificate(pem).toString());
  }
  return {
    kind: 'saml',
    name: written.name,
    label: written.label ?? written.name,
    domains: written.domains.map((domain) => domain.toLowerCase()),
    issuer: written.issuer,
    signInUrl: written.signInUrl,
    certificates,
    ...(written.entityId === undefined ? {} : { entityId: written.entityId }),
    emailAttribute: written.emailAttribute,
    nameAttribute: written.nameAttribute,
    groupsAttribute: written.groupsAttribute,
  };
}

async function scimToken(
  references: ReferenceReader,
  fault: Fault,
  written: SecretRef,
  path: ValuePath,
): Promise<PeopleSettings['scimToken']> {
  const token = await references.secret(written, path);
  const length = token.reveal().length;
  if (length > 0 && length < leastTokenLength)
    fault(path, `the token must have ${leastTokenLength} characters or more`);
  return token;
}

function checkNames(fault: Fault, { web, saml }: WrittenPeople): void {
  const names = [...web.oidc, ...saml].map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue;
    const path =
      index < web.oidc.length
        ? ['identity', 'web', 'oidc', index, 'name']
        : ['identity', 'saml', index - web.oidc.length, 'name'];
    fault(path, `the name ${name} is used twice`);
  }
}

/** People come back to this URL from their provider, and their cookies need https or this very machine. */
function checkPublicUrl(fault: Fault, publicUrl: string | undefined): void {
  if (publicUrl === undefined) {
    fault(['identity', 'web'], 'web login needs `publicUrl`: people come back to it from their provider');
    return;
  }
  const url = new URL(publicUrl);
  if (url.protocol !== 'https:' && !isLoopback(url.hostname))
    fault(['publicUrl'], 'web login needs a `publicUrl` that begins with https');
}
