// Proves who sends a request by its client certificate, where nothing else is presented: a SPIFFE X.509-SVID or another
// certificate that the configuration maps to a principal. That its key was proved and its chain verified is the listener's
// word. Names in it are the authority's word, and still only data.
import { X509Certificate } from 'node:crypto';
import { certificateThumbprint } from '../../core/certificate-thumbprint.ts';
import { compileGlobs, type Matcher } from '../../core/glob.ts';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import { type Grant, principalKinds } from '../../core/principal.ts';
import type { CertificateRule } from '../certificate-rules.ts';
import type { Prover } from './prover.ts';

/**
 * Stands before all other provers: a certificate that was shown and is bad refuses the request, whatever comes with it.
 */
export function createCertificateProver(rules: readonly CertificateRule[]): Prover {
  const compiled = rules.map((rule) => ({ rule, match: compileRule(rule) }));
  return {
    prove: async ({ presented, token }) => {
      const { certificate, certificateFault, cookie } = presented;
      if (certificateFault !== undefined) throw refuseIdentity('bad-certificate');
      // A token says more than the certificate that comes with it.
      if (certificate === undefined || token !== undefined || cookie !== undefined) return undefined;
      const parsed = readCertificate(certificate);
      for (const { rule, match } of compiled) {
        const name = parsed && match(parsed);
        if (parsed !== undefined && name !== undefined) return grantOf(rule, name, parsed);
      }
      return undefined;
    },
  };
}

interface Names {
  readonly x509: X509Certificate;
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  /** `CN=coder, O=Example`, in the order of the certificate. */
  readonly subject: string;
}

function readCertificate(der: Uint8Array): Names | undefined {
  const x509 = new X509Certificate(der);
  if (x509.ca) return undefined;
  const names = subjectNames(x509.subjectAltName ?? '');
  const of = (kind: string): readonly string[] =>
    names.flatMap((name) => (name.kind === kind ? [name.value] : []));
  return { x509, uris: of('URI'), dns: of('DNS'), subject: x509.subject.split('\n').join(', ') };
}

// Node writes `KIND:value, KIND:value` and puts values in quotes that could be taken for more than one; those count as
// no name at all.
function subjectNames(text: string): readonly { readonly kind: string; readonly value: string }[] {
  return [...text.matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?=, |$)/g)].flatMap(
    ([, kind = '', value = '']) => (value.startsWith('"') ? [] : [{ kind, value }]),
  );
}

/** Gives what `{name}` stands for where the certificate matches. */
function compileRule({ uri, dns, subject }: CertificateRule): (names: Names) => string | undefined {
  const matches = (pattern: string | undefined): Matcher =>
    compileGlobs(pattern === undefined ? [] : [pattern]);
  const [isUri, isDns, isSubject] = [matches(uri), matches(dns), matches(subject)];
  return (names) => {
    // X.509-SVID §2: exactly one URI.
    const [only, ...others] = names.uris;
    if (uri !== undefined)
      return only !== undefined && others.length === 0 && isUri(only) ? only.split('/').at(-1) : undefined;
    if (dns !== undefined) return names.dns.find(isDns)?.split('.')[0];
    return isSubject(names.subject) ? (/(?:^|, )CN=([^,]*)/.exec(names.subject)?.[1] ?? '') : undefined;
  };
}

function grantOf(
  rule: CertificateRule,
  name: string,
  { x509, uris, dns, subject }: Names,
): Grant | undefined {
  const id = rule.principal.replaceAll('{name}', name);
  if (!/^[a-z]+:[A-Za-z0-9][A-Za-z0-9._@+/-]{0,199}$/.test(id)) return undefined;
  const kind = principalKinds.find((each) => id.startsWith(`${each}:`));
  if (kind === undefined) return undefined;
  const thumbprint = certificateThumbprint(x509.raw);
  return {
    principal: {
      kind,
      id,
      issuer: x509.issuer.split('\n').join(', '),
      subject: rule.uri === undefined ? (rule.dns === undefined ? subject : (dns[0] ?? '')) : (uris[0] ?? ''),
      groups: rule.groups,
      onBehalfOf: rule.onBehalfOf,
      session: `cert-${thumbprint.slice(0, 22)}`,
      proof: 'mtls',
    },
    owner: rule.owner,
    scopes: rule.scopes,
    expiresAt: new Date(x509.validTo),
  };
}
