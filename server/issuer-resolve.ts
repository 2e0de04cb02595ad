// From a checked entry of `identity.issuers` to the issuer in force: files found, certificates read.
import { resolve } from 'node:path';
import type { ValuePath } from '../core/yaml.ts';
import { formatBaseUrl, isPlainRemote } from './address.ts';
import type { ReferenceReader } from './config-references.ts';
import { profileOf } from './issuer-profiles.ts';
import type { IssuerDocument, RuleDocument } from './issuer-schema.ts';
import type { ClaimRule, IssuerConfig, KeyLocation } from './issuer-types.ts';

/** All issuers, in their order, with problems told to `fault`; `directory` is what file names are relative to. */
export async function resolveIssuers(
  references: ReferenceReader,
  fault: (path: ValuePath, message: string) => void,
  written: readonly IssuerDocument[],
  directory: string,
): Promise<readonly IssuerConfig[]> {
  const issuers: IssuerConfig[] = [];
  for (const [index, document] of written.entries()) {
    const path = ['identity', 'issuers', index];
    const issuer = document.issuer ?? profileOf(document.profile).issuer ?? '';
    if (issuers.some((other) => other.issuer === issuer))
      fault([...path, 'issuer'], `the issuer ${issuer} is named twice: put its rules together`);
    const ca =
      document.caFile === undefined
        ? undefined
        : await references.certificates(document.caFile, [...path, 'caFile']);
    issuers.push({
      issuer,
      profile: document.profile,
      audiences: document.audience,
      keys: keysOf(document, directory),
      ...(ca === undefined ? {} : { ca }),
      algorithms: document.algorithms,
      clockSkew: document.clockSkew,
      maxAge: document.maxAge,
      reuse: document.reuse ?? profileOf(document.profile).reuse,
      rules: document.rules.map(ruleOf),
    });
  }
  return issuers;
}

function keysOf({ jwksUri, jwksFile }: IssuerDocument, directory: string): KeyLocation {
  if (jwksFile !== undefined) return { kind: 'file', file: resolve(directory, jwksFile) };
  return jwksUri === undefined ? { kind: 'discovery' } : { kind: 'url', url: formatBaseUrl(jwksUri) };
}

function ruleOf(rule: RuleDocument): ClaimRule {
  const { when, agent, human, workload, onBehalfOf, owner, groups, scopes } = rule;
  const kind = agent !== undefined ? 'agent' : human !== undefined ? 'human' : 'workload';
  return { when, kind, name: agent ?? human ?? workload ?? '', onBehalfOf, owner, groups, scopes };
}

/** A sentence for each issuer whose keys can be forged on the network. */
export function issuerWeakenings(written: readonly IssuerDocument[]): readonly string[] {
  return written
    .filter(({ issuer, jwksUri, jwksFile }) => {
      const source = jwksUri ?? (issuer !== undefined && URL.canParse(issuer) ? new URL(issuer) : undefined);
      return jwksFile === undefined && source?.protocol === 'http:' && isPlainRemote(source);
    })
    .map(
      ({ issuer }) =>
        `the keys of the issuer ${issuer ?? ''} are fetched by plain http: anybody in between can be anybody`,
    );
}
