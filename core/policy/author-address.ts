// Addresses of people and programs as the policy tells them, and as commits bear them. Addresses in commits are
// attacker-controlled text; they are compared without regard to letter case, and nothing maps one to another.

/** What may stand in braces in an address of the policy. */
export const placeholders = ['name', 'subject'] as const;
export const placeholderPattern: RegExp = /\{(name|subject)\}/g;

export interface Named {
  /** Principal id. */
  readonly id: string;
  /** As the issuer calls it; undefined where nobody told. */
  readonly subject: string | undefined;
}

/** What stands behind the kind in a principal id: `ada` of `human:ada`. */
export function nameOf(id: string): string {
  return id.slice(id.indexOf(':') + 1);
}

/** The address that a pattern of the policy stands for with this principal; undefined where a part of it is unknown. */
export function fillAddress(pattern: string, { id, subject }: Named): string | undefined {
  const values: Readonly<Record<string, string | undefined>> = { name: nameOf(id), subject };
  let isWhole = true;
  const filled = pattern.replaceAll(placeholderPattern, (_whole, key: string) => {
    const value = values[key];
    isWhole &&= value !== undefined && value !== '';
    return value ?? '';
  });
  return isWhole ? normalAddress(filled) : undefined;
}

/** The form in which addresses are compared. */
export function normalAddress(text: string): string {
  return text.trim().normalize('NFC').toLowerCase();
}

/** The address that an id itself is, such as of `human:ada@example.org`. */
export function addressOfId(id: string): string | undefined {
  const name = nameOf(id);
  return /^[^\s<>@]+@[^\s<>@]+$/.test(name) ? normalAddress(name) : undefined;
}

/** True where the address belongs to one of the domains; `*.example.org` stands for everything below it. */
export function isOfDomain(address: string, domains: readonly string[]): boolean {
  const at = address.lastIndexOf('@');
  if (at < 1) return false;
  const own = address.slice(at + 1);
  return domains.some((domain) => (domain.startsWith('*.') ? own.endsWith(domain.slice(1)) : own === domain));
}

/** An address as it may be shown: the first character and the domain. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  const first = String.fromCodePoint(address.codePointAt(0) ?? 0x2a);
  return at < 1 ? '***' : `${first}***${address.slice(at)}`;
}
