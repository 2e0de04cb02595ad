// The one table of rules: what each rule is called, what it is about, how grave it is and what it tells its reader.
// Code elsewhere refers to rules by id and never repeats any of this.
import { createHash } from 'node:crypto';
import type { Category, Identifier, Severity } from './finding.ts';

/** How a value of the rule may be shown. `shape` hides every letter and digit, `prefix` keeps a vendor's prefix. */
export type MaskStyle = 'ssn' | 'shape' | 'hidden' | 'prefix';

export interface CatalogEntry {
  readonly category: Category;
  readonly identifier: Identifier;
  readonly severity: Severity;
  readonly mask: MaskStyle;
  readonly message: string;
}

function phi(identifier: Identifier, severity: Severity, message: string, mask: MaskStyle = 'hidden') {
  return { category: 'phi', identifier, severity, mask, message } as const;
}

function secret(severity: Severity, what: string, mask: MaskStyle = 'hidden') {
  const message = `${what} Remove it from every commit of the push, revoke it where it was issued, and read it from the environment or a secret store.`;
  return { category: 'secret', identifier: 'other', severity, mask, message } as const;
}

function policy(message: string) {
  return { category: 'policy', identifier: 'other', severity: 'medium', mask: 'hidden', message } as const;
}

export const catalog = {
  'phi/name': phi('name', 'high', "A person's name in a record."),
  'phi/address': phi('geographic', 'high', 'A part of a postal address in a record.'),
  'phi/birth-date': phi('date', 'high', 'A date of birth.', 'shape'),
  'phi/date': phi('date', 'medium', "A date of a patient's care.", 'shape'),
  'phi/phone': phi('phone', 'medium', 'A phone number in a record.', 'shape'),
  'phi/fax': phi('fax', 'medium', 'A fax number in a record.', 'shape'),
  'phi/email': phi('email', 'medium', 'An e-mail address in a record.'),
  'phi/ssn': phi('ssn', 'critical', 'A US Social Security number.', 'ssn'),
  'phi/national-id': phi('ssn', 'critical', 'A national insurance or identity number in a record.'),
  'phi/itin': phi('ssn', 'critical', 'A US individual taxpayer number.', 'ssn'),
  'phi/mrn': phi('mrn', 'high', 'A medical record or patient number.'),
  'phi/health-plan': phi('health-plan', 'high', 'A health plan member, subscriber or policy number.'),
  'phi/mbi': phi('health-plan', 'critical', 'A Medicare beneficiary identifier.'),
  'phi/account': phi('account', 'high', 'An account number in a record.'),
  'phi/card': phi('account', 'critical', 'A payment card number with a valid check digit.', 'shape'),
  'phi/iban': phi('account', 'high', 'A bank account number (IBAN) with valid check digits.'),
  'phi/npi': phi('license', 'medium', 'A national provider identifier with a valid check digit.'),
  'phi/dea': phi('license', 'high', 'A DEA registration number with a valid check digit.'),
  'phi/license': phi('license', 'high', 'A licence or certificate number of a person.'),
  'phi/vin': phi('vehicle', 'medium', 'A vehicle identification number with a valid check digit.'),
  'phi/vehicle': phi('vehicle', 'medium', 'A licence plate or vehicle number in a record.'),
  'phi/device': phi('device', 'medium', "A serial number or identifier of a patient's device."),
  'phi/url': phi('url', 'medium', 'A web address that belongs to a person in a record.'),
  'phi/ip': phi('ip', 'medium', 'An IP address that belongs to a person in a record.'),
  'phi/photo': phi('photo', 'high', "A patient's photograph."),
  'phi/biometric': phi(
    'biometric',
    'high',
    'A fingerprint, voice print or other biometric record of a person.',
  ),
  'phi/other': phi('other', 'medium', 'Another number or code that identifies a person.'),

  'secret/guard-token': secret('critical', 'An access token of this guard.', 'prefix'),
  'secret/github-token': secret('critical', 'A GitHub token.', 'prefix'),
  'secret/gitlab-token': secret('critical', 'A GitLab token.', 'prefix'),
  'secret/npm-token': secret('critical', 'An npm access token.', 'prefix'),
  'secret/pypi-token': secret('critical', 'A PyPI upload token.', 'prefix'),
  'secret/aws-access-key-id': secret('high', 'An AWS access key id.', 'prefix'),
  'secret/aws-secret-key': secret('critical', 'An AWS secret access key.'),
  'secret/slack-token': secret('critical', 'A Slack token.', 'prefix'),
  'secret/slack-webhook': secret('high', 'A Slack webhook address.'),
  'secret/stripe-key': secret('critical', 'A Stripe secret key.', 'prefix'),
  'secret/google-api-key': secret('high', 'A Google API key.', 'prefix'),
  'secret/google-oauth': secret('critical', 'A Google OAuth secret or token.', 'prefix'),
  'secret/azure-key': secret('critical', 'An Azure storage or service key.'),
  'secret/sendgrid-key': secret('critical', 'A SendGrid API key.', 'prefix'),
  'secret/twilio-key': secret('high', 'A Twilio API key or account token.', 'prefix'),
  'secret/mailgun-key': secret('high', 'A Mailgun API key.', 'prefix'),
  'secret/digitalocean-token': secret('critical', 'A DigitalOcean token.', 'prefix'),
  'secret/hashicorp-token': secret('critical', 'A HashiCorp Vault or Terraform token.', 'prefix'),
  'secret/anthropic-key': secret('critical', 'An Anthropic API key.', 'prefix'),
  'secret/openai-key': secret('critical', 'An OpenAI API key.', 'prefix'),
  'secret/huggingface-token': secret('high', 'A Hugging Face token.', 'prefix'),
  'secret/docker-token': secret('critical', 'A Docker Hub access token.', 'prefix'),
  'secret/shopify-token': secret('high', 'A Shopify token.', 'prefix'),
  'secret/square-token': secret('high', 'A Square access token.', 'prefix'),
  'secret/telegram-token': secret('high', 'A Telegram bot token.'),
  'secret/discord-webhook': secret('high', 'A Discord webhook address.'),
  'secret/age-key': secret('critical', 'An age private key.', 'prefix'),
  'secret/nats-seed': secret('critical', 'The seed of a NATS key.'),
  'secret/jwt': secret('high', 'A signed JSON Web Token.'),
  'secret/private-key': secret('critical', 'A private key.'),
  'secret/url-password': secret('high', 'A password in a URL.'),
  'secret/authorization-header': secret('high', 'Credentials in an Authorization header.'),
  'secret/password': secret('high', 'A password written as a literal.'),
  'secret/generic': secret('high', 'A credential written as a literal.'),
  'secret/known-format': secret('high', 'A credential in a known vendor format.'),

  'policy/unscannable': policy('This content could not be read, so it could not be scanned.'),
  'policy/too-many-findings': policy('More findings than are kept; the rest are not listed.'),
} as const satisfies Record<string, CatalogEntry>;

export type RuleId = keyof typeof catalog;

/** Raised whenever the meaning of a rule changes without a change of the table above. */
const ENGINE_VERSION = 5;

/** SHA-256 over the table and the engine's version, hex. Names the rules that made a finding. */
export const catalogDigest: string = createHash('sha256')
  .update(JSON.stringify([ENGINE_VERSION, catalog]))
  .digest('hex');
