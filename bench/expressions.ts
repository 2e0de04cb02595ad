// Expressions for outside programs, so that they have comparable work: shapes that vendors and agencies publish.

/** Written so that both Rust's and Go's expression engines take them. */
export const expressions: readonly { readonly id: string; readonly source: string }[] = [
  { id: 'ssn', source: String.raw`\b[0-8]\d{2}-\d{2}-\d{4}\b` },
  { id: 'us-phone', source: String.raw`\(\d{3}\) \d{3}-\d{4}\b` },
  { id: 'email', source: String.raw`\b[\w.+-]{1,64}@[\w-]{1,63}\.[A-Za-z]{2,12}\b` },
  { id: 'mbi', source: String.raw`\b[1-9][A-Z][A-Z0-9]\d[A-Z][A-Z0-9]\d[A-Z]{2}\d{2}\b` },
  {
    id: 'birth-date',
    source: String.raw`(?i)\b(?:dob|birth ?date|date of birth)\b.{0,6}\d{1,4}[-/]\d{1,2}[-/]\d{1,4}`,
  },
  { id: 'mrn', source: String.raw`(?i)\bmrn\b.{0,6}\d{5,10}` },
  { id: 'hl7v2', source: String.raw`\bMSH\|\^~\\&` },
  { id: 'aws-id', source: String.raw`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b` },
  { id: 'github-token', source: String.raw`\bgh[pousr]_[0-9A-Za-z]{36}\b` },
  { id: 'github-fine-grained', source: String.raw`\bgithub_pat_\w{82}\b` },
  { id: 'npm-token', source: String.raw`\bnpm_[0-9A-Za-z]{36}\b` },
  { id: 'slack-token', source: String.raw`\bxox[abposr]-[0-9A-Za-z-]{10,80}` },
  { id: 'stripe-key', source: String.raw`\b[sr]k_live_[0-9A-Za-z]{20,99}\b` },
  { id: 'private-key', source: String.raw`-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----` },
  { id: 'jwt', source: String.raw`\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}` },
  { id: 'url-password', source: String.raw`\b[a-z][a-z0-9+]{1,12}://[^\s:/@]{1,64}:[^\s:/@]{3,64}@` },
  {
    id: 'assignment',
    source: String.raw`(?i)(?:password|passwd|secret|token|api_?key)["']?\s{0,3}[:=]\s{0,3}["'][^"'\s]{8,80}["']`,
  },
];

/** The same as a gitleaks configuration (TOML; literal strings in three quotes hold the expressions). */
export function gitleaksConfig(): string {
  return expressions
    .map(({ id, source }) => `[[rules]]\nid = "${id}"\ndescription = "${id}"\nregex = '''${source}'''\n`)
    .join('\n');
}
