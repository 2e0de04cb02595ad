// A SAML identity provider of the tests: answers are written by hand and signed with xml-crypto, so that each part of an
// answer can be wrong. It needs no server: the browser brings the request and takes the answer along.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { SignedXml } from 'xml-crypto';
import { makeKeyCertificate } from './certificates.ts';

export interface SamlServer {
  /** Entity id. */
  readonly issuer: string;
  readonly signInUrl: string;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface SamlRequest {
  readonly id: string;
  readonly assertionUrl: string;
  readonly issuer: string;
  readonly relayState: string;
}

/** Makes one with a key of its own. */
export function makeSamlServer(): SamlServer {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    issuer: 'https://idp.example/saml',
    signInUrl: 'http://127.0.0.1:9/sso',
    certificate: makeKeyCertificate('Test provider', publicKey),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Reads the request with which the guard sends a browser away. */
export function readSamlRequest(location: string): SamlRequest {
  const url = new URL(location);
  const xml = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64')).toString(
    'utf8',
  );
  const attribute = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(xml)?.[1] ?? '';
  return {
    id: attribute('ID'),
    assertionUrl: attribute('AssertionConsumerServiceURL'),
    issuer: /Issuer[^>]*>([^<]*)</.exec(xml)?.[1] ?? '',
    relayState: url.searchParams.get('RelayState') ?? '',
  };
}

export interface SamlFacts {
  readonly nameId?: string;
  readonly groups?: readonly string[];
  readonly displayName?: string;
  readonly audience?: string;
  readonly recipient?: string;
  readonly inResponseTo?: string;
  readonly issuer?: string;
  readonly assertionId?: string;
  /** Seconds from now. */
  readonly notBefore?: number;
  readonly notOnOrAfter?: number;
  readonly method?: string;
}

const time = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();
const newId = (): string => `_${randomBytes(16).toString('hex')}`;

/** An assertion, without a signature. */
export function assertionXml(server: SamlServer, request: SamlRequest, facts: SamlFacts = {}): string {
  const {
    nameId = 'ada@example.org',
    groups = ['code-review'],
    displayName = 'Ada Reviewer',
    audience = request.issuer,
    recipient = request.assertionUrl,
    inResponseTo = request.id,
    issuer = server.issuer,
    assertionId = newId(),
    notBefore = -5,
    notOnOrAfter = 300,
    method = 'urn:oasis:names:tc:SAML:2.0:cm:bearer',
  } = facts;
  const values = (list: readonly string[]): string =>
    list.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join('');
  return `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${assertionId}" Version="2.0" IssueInstant="${time(0)}"><saml:Issuer>${issuer}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">${nameId}</saml:NameID><saml:SubjectConfirmation Method="${method}"><saml:SubjectConfirmationData InResponseTo="${inResponseTo}" NotOnOrAfter="${time(notOnOrAfter)}" Recipient="${recipient}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${time(notBefore)}" NotOnOrAfter="${time(notOnOrAfter)}"><saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="${time(0)}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="displayName">${values([displayName])}</saml:Attribute><saml:Attribute Name="groups">${values(groups)}</saml:Attribute></saml:AttributeStatement></saml:Assertion>`;
}

/** A response around an assertion, without a signature of its own. */
export function responseXml(
  server: SamlServer,
  request: SamlRequest,
  assertion: string,
  inResponseTo = request.id,
): string {
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${newId()}" Version="2.0" IssueInstant="${time(0)}" Destination="${request.assertionUrl}" InResponseTo="${inResponseTo}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${server.issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>${assertion}</samlp:Response>`;
}

/** The XML with the element of this name signed: an enveloped signature after its issuer. */
export function signElement(xml: string, name: 'Assertion' | 'Response', key: string): string {
  const place = name === 'Response' ? `/*[local-name()='Response']` : `//*[local-name()='Assertion']`;
  const signed = new SignedXml({
    privateKey: key,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  });
  signed.addReference({
    xpath: place,
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
    transforms: [
      'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
      'http://www.w3.org/2001/10/xml-exc-c14n#',
    ],
  });
  signed.computeSignature(xml, {
    location: { reference: `${place}/*[local-name()='Issuer']`, action: 'after' },
  });
  return signed.getSignedXml();
}

/** An answer as it should be: assertion and response signed. */
export function signedAnswer(server: SamlServer, request: SamlRequest, facts: SamlFacts = {}): string {
  const assertion = signElement(assertionXml(server, request, facts), 'Assertion', server.key);
  return signElement(responseXml(server, request, assertion), 'Response', server.key);
}
