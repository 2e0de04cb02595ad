// Every rule of the catalog has a text in which it must be found and one in which it must not. The table's type is the
// catalog's: a new rule without a case does not compile.
import { describe, expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import { catalog, catalogDigest, type RuleId } from '../../scanners/catalog.ts';
import { createScanner } from '../../scanners/scan.ts';
import {
  alphanumeric,
  birth,
  checked,
  glue,
  hex,
  letters,
  natsSeed,
  pem,
  scrambled,
  ssn,
  upper,
  withLuhn,
  mrn,
} from './values.ts';

interface Case {
  readonly path: string;
  readonly ok: string | Uint8Array;
  readonly ng: string | Uint8Array;
}

const csv = (column: string, value: string) => ({
  path: 'people.csv',
  ok: `last_name,dob,mrn,${column}\nHargrove,${birth},${mrn},${value}\n`,
  ng: `product,price,${column}\nlamp,12.50,${value}\n`,
});
const env = (name: string, value: string, placeholder: string): Case => ({
  path: 'deploy/.env',
  ok: `${name}=${value}\n`,
  ng: `${name}=${placeholder}\n`,
});
const npi = withLuhn('124531959', '80840');
const long = scrambled(64, alphanumeric);
const jwtPart = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const basicPair = Buffer.from(`billing:${scrambled(16, alphanumeric)}`).toString('base64');

const cases: Readonly<Record<RuleId, Case>> = {
  'phi/name': { ...csv('first_name', 'Eleanor'), ng: 'product,first_name\nlamp,Eleanor\n' },
  'phi/address': csv('street_address', '4187 Beacon Hill Dr'),
  'phi/birth-date': {
    path: 'people.csv',
    ok: `last_name,dob,mrn\nHargrove,${birth},${mrn}\n`,
    ng: `lamp,dob\nx,${birth}\n`,
  },
  'phi/date': csv('admission_date', '2024-02-11'),
  'phi/phone': csv('phone', glue('(415) 867-', '5319')),
  'phi/fax': csv('fax', glue('(415) 867-', '5320')),
  'phi/email': csv('email', glue('e.hargrove', '@', 'northlakemail.com')),
  'phi/ssn': {
    path: 'src/a.ts',
    ok: `const ssn = '${ssn}';`,
    ng: "const part = '000-22-1879', other = '264-36-02809';",
  },
  'phi/national-id': csv('national_id', glue('4810', '1052H776')),
  'phi/itin': { path: 'a.txt', ok: glue('ITIN: 912-', '72-1879'), ng: 'ITIN: 912-66-1879' },
  'phi/mrn': { path: 'note.txt', ok: `MRN: ${mrn}`, ng: 'MRN: pending' },
  'phi/health-plan': csv('member_id', glue('XQH', '329113947')),
  'phi/mbi': { path: 'note.txt', ok: glue('Medicare MBI: 2AC5', 'HJ7KM34'), ng: 'Medicare MBI: 0AC5HJ7KM34' },
  'phi/account': csv('account_number', glue('8867', '5576754')),
  'phi/card': {
    path: 'note.txt',
    ok: `card ${withLuhn(glue('453201', '789012345'))}`,
    ng: `card ${withLuhn(glue('453201', '789012345')).replace(/.$/, (d) => String((Number(d) + 1) % 10))}`,
  },
  'phi/iban': {
    path: 'note.txt',
    ok: glue('IBAN GB33 BUKB 2020 ', '1555 5555 55'),
    ng: 'IBAN GB34 BUKB 2020 1555 5555 55',
  },
  'phi/npi': { path: 'note.txt', ok: `NPI: ${npi}`, ng: 'NPI: 1245319598' },
  'phi/dea': { path: 'note.txt', ok: glue('DEA BH', '2436714'), ng: 'DEA BH2436712' },
  'phi/license': csv('drivers_license', glue('D43', '675097')),
  'phi/vin': { path: 'note.txt', ok: glue('VIN: 1HGCM826', '33A004352'), ng: 'VIN: 1HGCM82643A004352' },
  'phi/vehicle': csv('license_plate', '7ABC123'),
  'phi/device': csv('device_serial', 'SN22120029'),
  'phi/url': {
    path: 'patient.json',
    ok: JSON.stringify({
      resourceType: 'Patient',
      birthDate: birth,
      telecom: [{ system: 'url', value: 'https://portal.acme.org/p/1' }],
    }),
    ng: JSON.stringify({
      resourceType: 'Organization',
      telecom: [{ system: 'url', value: 'https://portal.acme.org/p/1' }],
    }),
  },
  'phi/ip': csv('ip_address', '93.184.216.34'),
  'phi/photo': {
    path: 'patient.json',
    ok: JSON.stringify({
      resourceType: 'Patient',
      birthDate: birth,
      photo: [{ contentType: 'image/jpeg', data: long }],
    }),
    ng: JSON.stringify({ resourceType: 'Media', photo: [{ contentType: 'image/jpeg', data: long }] }),
  },
  'phi/biometric': csv('fingerprint', glue('Rk1SACAyMAAAAAEs', 'AAABPAFiAMUAxQEAAAAoM0B')),
  'phi/other': {
    path: 'm.hl7',
    ok: 'MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\r'.concat('IN', '2|E44120|\r'),
    ng: 'MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\rZZ2|E44120|\r',
  },

  'secret/guard-token': env('GUARD', checked('fg_', 36), 'fg_short'),
  'secret/github-token': env('GH', checked(glue('gh', 'p_'), 30), 'ghp_yourtoken'),
  'secret/gitlab-token': env('GL', glue('glp', 'at-') + scrambled(20, alphanumeric), 'glpat-xxxx'),
  'secret/npm-token': env('NPM', checked(glue('np', 'm_'), 30), 'npm_config_cache'),
  'secret/pypi-token': env('PYPI', glue('py', 'pi-AgEI') + scrambled(80, alphanumeric), 'pypi-install'),
  'secret/aws-access-key-id': env('ID', glue('AK', 'IA') + scrambled(16, upper), 'AKIA'),
  'secret/aws-secret-key': env('AWS_SECRET_ACCESS_KEY', scrambled(40, alphanumeric), scrambled(40, hex)),
  'secret/slack-token': env(
    'S',
    glue('xo', 'xb-2', '4412345678-44', '12345678901-') + scrambled(24, alphanumeric),
    'xoxb-token',
  ),
  'secret/slack-webhook': {
    path: 'a.txt',
    ok: glue('https://hooks.sl', 'ack.com/services/T0', 'A1B2C3D/B0E4F5G6H/') + scrambled(24, alphanumeric),
    ng: 'https://hooks.slack.com/services/T000/B000/XXX',
  },
  'secret/stripe-key': env('K', glue('sk_', 'live_') + scrambled(24, alphanumeric), 'sk_live_...'),
  'secret/google-api-key': env('K', glue('AI', 'za') + scrambled(35, alphanumeric), 'AIzaShort'),
  'secret/google-oauth': env('K', glue('GOC', 'SPX-') + scrambled(28, alphanumeric), 'GOCSPX-'),
  'secret/azure-key': env(
    'C',
    `DefaultEndpointsProtocol=https;AccountKey=${scrambled(86, alphanumeric)}==`,
    'AccountKey=<key>',
  ),
  'secret/sendgrid-key': env(
    'K',
    `${glue('S', 'G.')}${scrambled(22, alphanumeric)}.${scrambled(43, alphanumeric, 9)}`,
    'SG.key',
  ),
  'secret/twilio-key': env('TWILIO', glue('S', 'K') + scrambled(32, hex), 'SK-1'),
  'secret/mailgun-key': env('K', glue('ke', 'y-') + scrambled(32, hex), 'key-name'),
  'secret/digitalocean-token': env('K', glue('dop', '_v1_') + scrambled(64, hex), 'dop_v1_'),
  'secret/hashicorp-token': env('K', glue('hv', 's.') + scrambled(28, alphanumeric), 'hvs.x'),
  'secret/anthropic-key': env('K', glue('sk-', 'ant-api03-') + scrambled(95, alphanumeric), 'sk-ant-...'),
  'secret/openai-key': env(
    'K',
    glue('sk-', scrambled(20, alphanumeric), 'T3Blbk', 'FJ', scrambled(20, alphanumeric, 5)),
    'sk-T3',
  ),
  'secret/huggingface-token': env('K', glue('h', 'f_') + scrambled(34, letters), 'hf_hub'),
  'secret/docker-token': env('K', glue('dckr', '_pat_') + scrambled(27, alphanumeric), 'dckr_pat_'),
  'secret/shopify-token': env('K', glue('shp', 'at_') + scrambled(32, hex), 'shpat_'),
  'secret/square-token': env('K', glue('sq0', 'atp-') + scrambled(22, alphanumeric), 'sq0atp-'),
  'secret/telegram-token': env('K', glue('512345678', ':AA', scrambled(33, alphanumeric)), '512345678:AA'),
  'secret/discord-webhook': {
    path: 'a.txt',
    ok: glue('https://discord', '.com/api/webhooks/1234567', '89012345678/') + scrambled(68, alphanumeric),
    ng: 'https://discord.com/api/webhooks/<id>/<token>',
  },
  'secret/age-key': env('K', glue('AGE-SECRET', '-KEY-1') + scrambled(58, upper), 'AGE-SECRET-KEY-1'),
  'secret/nats-seed': {
    path: 'user.creds',
    ok: `-----BEGIN USER NKEY ${glue('SE', 'ED')}-----\n${natsSeed()}\n`,
    ng: `nkey: ${natsSeed().slice(0, 50)}\n`,
  },
  'secret/jwt': env(
    'SESSION',
    `${jwtPart({ alg: 'HS256', typ: 'JWT' })}.${jwtPart({ sub: 'u-7731', iat: 1_700_000_000 })}.${scrambled(43, alphanumeric)}`,
    `${jwtPart({ hello: 'world' })}.${jwtPart({ a: 1 })}.${scrambled(43, alphanumeric)}`,
  ),
  'secret/private-key': {
    path: 'deploy/server.key',
    ok: pem(glue('PRIVATE', ' KEY'), scrambled(220, alphanumeric)),
    ng: pem(glue('PRIVATE', ' KEY'), '...'),
  },
  'secret/url-password': env(
    'DB',
    `postgres://billing:${scrambled(18, alphanumeric)}@db.internal.acme.net/x`,
    'postgres://user:password@db.internal.acme.net/x',
  ),
  'secret/authorization-header': {
    path: 'a.http',
    ok: `Authorization: Basic ${basicPair}`,
    ng: `Authorization: Basic ${Buffer.from('user:password').toString('base64')}x`,
  },
  'secret/password': env('DB_PASSWORD', `${scrambled(14, alphanumeric)}!9q`, 'changeme'),
  'secret/generic': env('CLIENT_SECRET', scrambled(40, alphanumeric, 3), 'your-client-secret-goes-here'),
  'secret/known-format': env('LINEAR', glue('lin_', 'api_') + scrambled(40, alphanumeric), 'lin_api_'),

  'policy/unscannable': { path: 'a.gz', ok: gzipSync(long).subarray(0, 40), ng: gzipSync(long) },
  'policy/too-many-findings': { path: 'a.txt', ok: `${ssn}\n`.repeat(60), ng: `${ssn}\n`.repeat(40) },
};

const scanner = createScanner({ fingerprintKey: new Uint8Array(32), limits: { maxFindings: 50 } });

async function rulesIn(path: string, content: string | Uint8Array): Promise<readonly string[]> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return (await scanner.scan({ kind: 'file', path }, bytes)).findings.map((finding) => finding.rule);
}

describe('every rule', () => {
  test.each(Object.entries(cases))('%s', async (rule, { path, ok, ng }) => {
    expect(await rulesIn(path, ok)).toContain(rule);
    expect(await rulesIn(path, ng)).not.toContain(rule);
  });

  test('has a case', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(catalog).sort());
  });
});

test('a number behind a key that names something else refuses nothing', async () => {
  const confidenceOf = async (path: string, text: string) => {
    const { findings } = await scanner.scan({ kind: 'file', path }, Buffer.from(text));
    return findings.filter(({ rule }) => rule === 'phi/ssn').map(({ confidence }) => confidence);
  };
  expect(await confidenceOf('a.py', `data = {"id": "${ssn}"}\nassert "('id', '${ssn}')" in out\n`)).toEqual([
    0.8, 0.8,
  ]);
  for (const text of [`{"tax_id": "${ssn}"}`, `["Anna", "${ssn}"]`])
    expect((await confidenceOf('a.py', text)).filter((each) => each >= 0.85)).toHaveLength(1);
});

test('the digest of the catalog is a SHA-256 in hex', () => {
  expect(catalogDigest).toMatch(/^[0-9a-f]{64}$/);
});
