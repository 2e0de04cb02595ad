// What a scanner reports. By type a finding cannot hold the matched text: it says where a value stands, how long it
// is, how it looks when masked, and a keyed fingerprint that tells equal values apart without revealing them.

/** Where a finding belongs: protected health information, a credential, or a rule of the policy itself. */
export type Category = 'phi' | 'secret' | 'policy';

/** The HIPAA Safe Harbor kinds (45 CFR 164.514(b)(2)(i)(A)-(R)), in the regulation's order, `other` last. */
export const identifiers = [
  'name',
  'geographic',
  'date',
  'phone',
  'fax',
  'email',
  'ssn',
  'mrn',
  'health-plan',
  'account',
  'license',
  'vehicle',
  'device',
  'url',
  'ip',
  'biometric',
  'photo',
  'other',
] as const;
export type Identifier = (typeof identifiers)[number];

/** Severities from least to most grave; the order is the order of comparison. */
export const severities = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

export interface Finding {
  /** Id of the rule in the catalog, `family/name`. */
  readonly rule: string;
  readonly category: Category;
  readonly identifier: Identifier;
  readonly severity: Severity;
  /** 0 to 1: how sure the scanner is that the value is what the rule says. */
  readonly confidence: number;
  /** Path of the scanned file; an archive's entry is `outer.zip!inner.txt`. */
  readonly path: string;
  /** 1-based line and column of the first byte; columns count UTF-16 units of the decoded line. */
  readonly line: number;
  readonly column: number;
  /** 1-based line and column just behind the last character. */
  readonly endLine: number;
  readonly endColumn: number;
  /** Byte offsets into the file as stored, half open. For a value inside an archive: the archive's own extent. */
  readonly byteStart: number;
  readonly byteEnd: number;
  /** The value's shape with its characters hidden, such as `***-**-****`. Never enough to guess the value. */
  readonly masked: string;
  /** Keyed HMAC-SHA-256 of rule and normalised value, 32 hex digits. */
  readonly fingerprint: string;
  /** One sentence for the person or agent who must act. */
  readonly message: string;
}
