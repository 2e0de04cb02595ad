// From the claims of a verified token to whom it stands for: the first rule of the operator that matches decides. Claims
// are chosen by users of the issuer, so what they put into names and scopes must be plain: no glob, no line break.
import { compileGlobs, type Matcher } from '../../core/glob.ts';
import { refuseIdentity } from '../../core/identity-refusal.ts';
import type { Delegation, PrincipalKind, Scope } from '../../core/principal.ts';
import { claimsIn, type Claims, claimValues, expandTemplate } from '../claim-template.ts';
import type { ClaimRule, IssuerConfig } from '../issuer-types.ts';
import { readProfileClaims } from './profile-claims.ts';

const plain = /^[A-Za-z0-9._@+/[\]-]{1,200}$/;
const plainInGlob = /^[A-Za-z0-9._@+/-]{1,200}$/;
const printable = /^[\x20-\x7e\u00a0-\uffff]{1,200}$/;
const wholeName = /^[A-Za-z0-9][A-Za-z0-9._@+/[\]-]{0,199}$/;
const mostGroups = 500;
const mostScopes = 100;
const mostBehalf = 20;

/** Whom the claims stand for. */
export interface MappedIdentity {
  readonly kind: PrincipalKind;
  /** Principal id. */
  readonly id: string;
  readonly groups: readonly string[];
  readonly delegation: readonly Delegation[];
  readonly owner: string | null;
  readonly scopes: readonly Scope[];
  /** 0-based index of the rule. */
  readonly rule: number;
  /** The claims, with those that were derived. */
  readonly claims: Claims;
}

interface CompiledRule {
  readonly rule: ClaimRule;
  readonly tests: readonly (readonly [string, Matcher])[];
  readonly named: ReadonlySet<string>;
}

/** Throws a refusal: `claims-inconsistent`, `no-rule`, `claim-missing` or `delegated`. */
export type ClaimMapper = (claims: Claims) => MappedIdentity;

/** Compiles the rules of an issuer. */
export function createClaimMapper(config: IssuerConfig): ClaimMapper {
  const rules = config.rules.map(compile);
  const { issuer, profile } = config;
  return (raw) => {
    const claims = readProfileClaims(profile, issuer, raw);
    if (claims === undefined) throw refuseIdentity('claims-inconsistent', undefined, { issuer });
    const index = rules.findIndex((rule) => matches(rule, claims, profile === 'github-actions'));
    const found = rules[index];
    if (found === undefined) throw refuseIdentity('no-rule', undefined, { issuer });
    refuseUnnamedActors(found, claims, issuer);
    return apply(found.rule, claims, issuer, index);
  };
}

function compile(rule: ClaimRule): CompiledRule {
  const templates = [
    rule.name,
    rule.owner ?? '',
    ...rule.onBehalfOf,
    ...rule.groups,
    ...rule.scopes.flatMap(({ repository, refs }) => [repository, ...(refs ?? [])]),
  ];
  return {
    rule,
    tests: Object.entries(rule.when).map(([claim, patterns]) => [claim, compileGlobs(patterns)] as const),
    named: new Set([...Object.keys(rule.when), ...templates.flatMap(claimsIn)]),
  };
}

function matches({ tests, named }: CompiledRule, claims: Claims, isWorkflow: boolean): boolean {
  // Runs for strangers' pull requests with the rights of the repository are matched only where the rule speaks of events.
  if (isWorkflow && claims['event_name'] === 'pull_request_target' && !named.has('event_name')) return false;
  return tests.every(([claim, test]) => claimValues(claims, claim).some(test));
}

/**
 * RFC 8693 §4.1: with `act` the one who acts is not the subject. A rule that does not look at it would take the one for
 * the other; every actor of the chain must be named.
 */
function refuseUnnamedActors({ named }: CompiledRule, claims: Claims, issuer: string): void {
  let name = 'act';
  for (let act: unknown = claims['act']; act !== undefined; name += '.act') {
    if (![...named].some((claim) => claim.startsWith(`${name}.`) && !claim.startsWith(`${name}.act.`)))
      throw refuseIdentity('delegated', undefined, { issuer });
    act = typeof act === 'object' && act !== null ? Reflect.get(act, 'act') : undefined;
  }
}

function apply(rule: ClaimRule, claims: Claims, issuer: string, index: number): MappedIdentity {
  const missing = (key: string): never => {
    throw refuseIdentity('claim-missing', undefined, { issuer, rule: index, key });
  };
  const one = (template: string, key: string): string => {
    const [text, ...others] = expandTemplate(template, claims, plain, 1) ?? [];
    return text === undefined || others.length > 0 ? missing(key) : text;
  };
  const person = (template: string, key: string): string => {
    const id = one(template, key);
    return wholeName.test(id.slice(id.indexOf(':') + 1)) ? id : missing(key);
  };
  const id = person(`${rule.kind}:${rule.name}`, rule.kind);
  const delegation = rule.onBehalfOf.slice(0, mostBehalf).map((template): Delegation => {
    const behalf = person(template, 'onBehalfOf');
    return { id: behalf, issuer, subject: behalf.slice(behalf.indexOf(':') + 1), proof: 'named' };
  });
  return {
    kind: rule.kind,
    id,
    delegation,
    owner: rule.owner === undefined ? (delegation.at(-1)?.id ?? id) : person(rule.owner, 'owner'),
    // Somebody may be in no group at all: a claim that is absent gives none.
    groups: rule.groups.flatMap((template) => expandTemplate(template, claims, printable, mostGroups) ?? []),
    scopes: rule.scopes.flatMap((scope) => scopesOf(scope, claims) ?? missing('scopes')),
    rule: index,
    claims,
  };
}

function scopesOf({ repository, verbs, refs }: Scope, claims: Claims): readonly Scope[] | undefined {
  const repositories = expandTemplate(repository, claims, plainInGlob, mostScopes);
  const limits = refs?.map((ref) => expandTemplate(ref, claims, plainInGlob, mostScopes));
  if (repositories === undefined || limits?.includes(undefined) === true) return undefined;
  const flat = limits?.flatMap((limit) => limit ?? []);
  return repositories.map((glob) => ({
    repository: glob,
    verbs,
    ...(flat === undefined ? {} : { refs: flat }),
  }));
}
