// Sign-in by SAML 2.0: a request by HTTP-Redirect, the answer by HTTP-POST. Response and assertion must both be signed by
// a configured certificate; audience, recipient, InResponseTo, issuer and times are checked; an assertion counts once.
// XML with declarations, comments or processing instructions is refused before anything reads it: no provider needs
// them, and names have been cut with them.
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { z } from 'zod';
import { GuardError } from '../../core/errors.ts';
import type { ProvedAccount } from '../../core/person.ts';
import type { SamlLogin } from '../web-login-types.ts';
import { type Hop, LoginRefusal, type Provider } from './provider.ts';

export interface SamlProvider extends Provider {
  readonly settings: SamlLogin;
  /** The guard as a service provider, as SAML metadata. */
  metadata(): string;
}

export interface SamlOptions {
  readonly settings: SamlLogin;
  /** Where the provider sends its answers. */
  readonly assertionUrl: string;
  /** Default for the entity id of the guard. */
  readonly metadataUrl: string;
  /** Notes an assertion as used until this time; false where it was used before. */
  readonly useOnce: (issuer: string, id: string, until: Date) => Promise<boolean>;
}

const longestAnswer = 262_144;
const skewMs = 60_000;
const attemptMs = 600_000;

/** The provider of these settings. */
export function createSamlProvider(options: SamlOptions): SamlProvider {
  const { settings, assertionUrl, metadataUrl, useOnce } = options;
  const entityId = settings.entityId ?? metadataUrl;

  function samlFor(hop: Hop | undefined): SAML {
    const id = hop === undefined ? '_' : requestId(hop);
    return new SAML({
      callbackUrl: assertionUrl,
      entryPoint: settings.signInUrl,
      issuer: entityId,
      audience: entityId,
      idpCert: [...settings.certificates],
      idpIssuer: settings.issuer,
      wantAuthnResponseSigned: true,
      wantAssertionsSigned: true,
      validateInResponseTo: ValidateInResponseTo.always,
      requestIdExpirationPeriodMs: attemptMs,
      acceptedClockSkewMs: skewMs,
      identifierFormat: null,
      disableRequestedAuthnContext: true,
      generateUniqueId: () => id,
      // The one request of this sign-in is known; who may answer it was settled by its row in the database.
      cacheProvider: {
        saveAsync: async (_key, value) => ({ value, createdAt: Date.now() }),
        getAsync: async (key) => (hop !== undefined && key === id ? hop.startedAt.toISOString() : null),
        removeAsync: async (key) => key,
      },
    });
  }

  return {
    settings,
    metadata: () => samlFor(undefined).generateServiceProviderMetadata(null),
    begin: async (hop) => new URL(await samlFor(hop).getAuthorizeUrlAsync(hop.state, undefined, {})),
    finish: async (hop, { fields }) => {
      const answer = z.string().max(longestAnswer).safeParse(fields['SAMLResponse']).data;
      try {
        if (answer === undefined) throw new LoginRefusal('form');
        refuseStrangeXml(answer);
        const { profile } = await samlFor(hop).validatePostResponseAsync({ SAMLResponse: answer });
        const assertion = assertionSchema.parse(profile?.getAssertion?.()).Assertion;
        checkAssertion(assertion, { settings, assertionUrl, request: requestId(hop), now: new Date() });
        const until = new Date(latestEnd(assertion) + skewMs);
        if (!(await useOnce(settings.issuer, assertion.$.ID, until))) throw new LoginRefusal('replayed');
        return accountOf(settings, assertion);
      } catch (cause) {
        if (cause instanceof GuardError) throw cause;
        const why = cause instanceof LoginRefusal ? cause : new LoginRefusal('saml', { cause });
        throw new GuardError('login/refused', `${settings.label} did not confirm who you are`, {
          cause: why,
        });
      }
    },
  };
}

/** An NCName that the state alone makes. */
function requestId({ state }: Hop): string {
  return `_${state}`;
}

/** Throws where the answer is not XML of elements, attributes and text alone. */
function refuseStrangeXml(answer: string): void {
  if (!/^[A-Za-z0-9+/=\s]+$/.test(answer)) throw new LoginRefusal('base64');
  const xml = Buffer.from(answer, 'base64').toString('utf8');
  const body = xml.replace(/^﻿?<\?xml [^<>?]*\?>/, '');
  if (/<[!?]/.test(body)) throw new LoginRefusal('markup');
}

// As xml2js makes it: text in `_`, attributes in `$`, every element a list.
const textElement = z.looseObject({ _: z.string().max(2_000).optional() });
const assertionSchema = z.looseObject({
  Assertion: z.looseObject({
    $: z.looseObject({ ID: z.string().min(1).max(300) }),
    Issuer: z.array(textElement).length(1),
    Subject: z
      .array(
        z.looseObject({
          NameID: z.array(textElement).length(1),
          SubjectConfirmation: z
            .array(
              z.looseObject({
                $: z.looseObject({ Method: z.string() }),
                SubjectConfirmationData: z
                  .array(
                    z.looseObject({
                      $: z.looseObject({
                        Recipient: z.string().optional(),
                        InResponseTo: z.string().optional(),
                        NotOnOrAfter: z.iso.datetime({ offset: true }).optional(),
                      }),
                    }),
                  )
                  .length(1),
              }),
            )
            .min(1)
            .max(10),
        }),
      )
      .length(1),
    AuthnStatement: z
      .array(
        z.looseObject({
          AuthnContext: z
            .array(z.looseObject({ AuthnContextClassRef: z.array(textElement).optional() }))
            .optional(),
        }),
      )
      .min(1),
    AttributeStatement: z
      .array(
        z.looseObject({
          Attribute: z
            .array(
              z.looseObject({
                $: z.looseObject({ Name: z.string() }),
                AttributeValue: z.array(z.unknown()).optional(),
              }),
            )
            .optional(),
        }),
      )
      .optional(),
  }),
});
type Assertion = z.output<typeof assertionSchema>['Assertion'];

const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/** What the library leaves open (SAML profiles §4.1.4.2–3): issuer, recipient, and the request in every confirmation. */
function checkAssertion(
  assertion: Assertion,
  expected: {
    readonly settings: SamlLogin;
    readonly assertionUrl: string;
    readonly request: string;
    readonly now: Date;
  },
): void {
  if (assertion.Issuer[0]?._ !== expected.settings.issuer) throw new LoginRefusal('issuer');
  const confirmed = assertion.Subject[0]?.SubjectConfirmation.some(({ $, SubjectConfirmationData }) => {
    const data = SubjectConfirmationData[0]?.$;
    return (
      $.Method === bearer &&
      data?.Recipient === expected.assertionUrl &&
      data.InResponseTo === expected.request &&
      data.NotOnOrAfter !== undefined &&
      Date.parse(data.NotOnOrAfter) + skewMs > expected.now.getTime()
    );
  });
  if (confirmed !== true) throw new LoginRefusal('confirmation');
}

function latestEnd(assertion: Assertion): number {
  const ends = assertion.Subject.flatMap(({ SubjectConfirmation }) =>
    SubjectConfirmation.flatMap(({ SubjectConfirmationData }) =>
      SubjectConfirmationData.map(({ $ }) => Date.parse($.NotOnOrAfter ?? '')),
    ),
  ).filter(Number.isFinite);
  return Math.max(Date.now() + attemptMs, ...ends);
}

function accountOf(settings: SamlLogin, assertion: Assertion): ProvedAccount {
  const subject = assertion.Subject[0]?.NameID[0]?._ ?? '';
  if (subject === '' || subject.length > 1_000) throw new LoginRefusal('name');
  const attributes = new Map<string, readonly string[]>();
  for (const { Attribute } of assertion.AttributeStatement ?? [])
    for (const { $, AttributeValue } of Attribute ?? [])
      attributes.set(
        $.Name,
        (AttributeValue ?? []).flatMap((value) => textElement.safeParse(value).data?._ ?? []),
      );
  const one = (name: string): string | null => attributes.get(name)?.[0] ?? null;
  return {
    provider: settings.name,
    proof: 'saml',
    issuer: settings.issuer,
    subject,
    email: one(settings.emailAttribute) ?? (subject.includes('@') ? subject : null),
    displayName: one(settings.nameAttribute),
    groups: attributes.get(settings.groupsAttribute) ?? [],
    amr: [],
    acr: assertion.AuthnStatement[0]?.AuthnContext?.[0]?.AuthnContextClassRef?.[0]?._ ?? null,
  };
}
