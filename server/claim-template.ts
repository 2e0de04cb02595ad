// Texts that name claims: `github/{repository}`. The text is the operator's, the claims are an issuer's and hold what
// users of the issuer put there; what they expand to is checked by its place.
//
//   template = *( text / "{" claim "}" )
//   claim    = a name; "a.b" is the member `b` of the claim `a` where no claim is named "a.b"

const placeholder = /\{([A-Za-z0-9_][A-Za-z0-9_.:/-]*)\}/g;

export type Claims = Readonly<Record<string, unknown>>;

/** The claims that a template names. */
export function claimsIn(template: string): readonly string[] {
  return [...template.matchAll(placeholder)].map(([, name]) => name ?? '');
}

/** The template with every placeholder replaced by this text; for checks of what it will become. */
export function withPlaceholders(template: string, text: string): string {
  return template.replaceAll(placeholder, () => text);
}

/** The values of a claim as texts; none where it is absent, empty or an object. */
export function claimValues(claims: Claims, name: string): readonly string[] {
  const value = memberAt(claims, name);
  return (Array.isArray(value) ? value : [value]).flatMap((item: unknown) => {
    if (typeof item === 'string') return item === '' ? [] : [item];
    return typeof item === 'number' || typeof item === 'boolean' ? [String(item)] : [];
  });
}

function memberAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  const dot = name.indexOf('.');
  if (dot < 0) return undefined;
  const outer = claims[name.slice(0, dot)];
  if (!Object.hasOwn(claims, name.slice(0, dot)) || !isMembers(outer)) return undefined;
  return memberAt(outer, name.slice(dot + 1));
}

function isMembers(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What the template stands for: one text, or one for each value where a claim is a list, `most` at most. Undefined where a
 * claim is absent or one of its values is not made as `fit` demands.
 */
export function expandTemplate(
  template: string,
  claims: Claims,
  fit: RegExp,
  most: number,
): readonly string[] | undefined {
  let texts: readonly string[] = [template];
  for (const name of new Set(claimsIn(template))) {
    const values = claimValues(claims, name);
    if (values.length === 0 || values.some((value) => !fit.test(value))) return undefined;
    texts = texts.flatMap((text) => values.map((value) => text.replaceAll(`{${name}}`, () => value)));
    if (texts.length > most) return undefined;
  }
  return texts;
}
