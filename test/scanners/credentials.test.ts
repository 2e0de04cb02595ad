// Credentials as people leave them: in settings, commands, markup, calls and sentences. A credential that is random or
// long enough must refuse a push; a placeholder in the same place must be silent.
import { describe, expect, test } from 'vitest';
import { createScanner } from '../../scanners/scan.ts';
import { alphanumeric, glue, hex, pem, scrambled, upper } from './values.ts';

const scanner = createScanner({ fingerprintKey: new Uint8Array(32) });

/** The highest confidence of a credential in a text, 0 where there is none. */
async function sureness(path: string, text: string): Promise<number> {
  const { findings } = await scanner.scan({ kind: 'file', path }, Buffer.from(text));
  const found = findings.filter(({ category }) => category === 'secret');
  return Math.max(0, ...found.map(({ confidence }) => confidence));
}

const word = `${scrambled(11, alphanumeric, 5)}#4`;
const key = scrambled(32, alphanumeric, 9);
const uuid = [8, 4, 4, 4, 12].map((length) => scrambled(length, hex, 21 + length)).join('-');
const small = scrambled(18, 'bcdfghjkmpqvwxz', 5);

/** Texts with `@` where the credential stands. */
const places: readonly (readonly [path: string, text: string, value: string])[] = [
  ['.env', 'DB_PASS=@', word],
  ['app.yml', '  password: @', word],
  ['app.yml', 'env:\n  - name: API_TOKEN\n    value: @\n', key],
  ['app.json', '{"name": "API_SECRET", "value": "@"}', key],
  ['main.tf', 'variable "db_password" {\n  type = string\n  default = "@"\n}', word],
  ['web.config', '<add key="ApiSecret" value="@" />', key],
  ['settings.xml', '<server><password>@</password></server>', word],
  ['settings.xml', '<token>@</token>', key],
  ['Db.cs', 'var s = "Server=db;User Id=sa;Password=@;";', word],
  ['mail.js', 'auth: { user: "a", pass: "@" }', word],
  ['db.py', 'requests.get(url, auth=("backup", "@"))', word],
  ['Db.java', 'DriverManager.getConnection(url, "sa", "@")', word],
  ['t.js', 'jwt.sign(payload, "@")', key],
  ['a.vb', 'Const pwd As String = "@"', word],
  ['a.ps1', 'ConvertTo-SecureString "@" -AsPlainText -Force', word],
  ['a.sql', "CREATE USER app WITH PASSWORD '@';", word],
  ['deploy.sh', 'curl -fsS -u admin:@ https://nexus.corp.net/x', word],
  ['deploy.sh', 'mysql -u root -p@ prod', key.slice(0, 14)],
  ['deploy.sh', "sshpass -p '@' ssh x@y", word],
  ['.netrc', 'machine git.corp.net login bot password @', key],
  ['.pgpass', 'db.corp.net:5432:app:svc:@', key.slice(0, 16)],
  ['ci.yml', 'NPM_TOKEN: @', uuid],
  ['n.md', 'I set the password for staging to @, as agreed.', word],
  ['.env', 'POSTGRES_PASSWORD=@', small],
  ['.env', 'PROXY=http://build:@@proxy.corp.net:3128', small],
];

describe('a credential', () => {
  test.each(places)('in %s: %s', async (path, text, value) => {
    expect(await sureness(path, text.replace('@', value))).toBeGreaterThanOrEqual(0.85);
    for (const placeholder of ['changeme', '${SECRET}', '<your-token-here>', 'example-value'])
      expect(await sureness(path, text.replace('@', placeholder))).toBeLessThan(0.6);
  });

  test('of user and password in base64, without a scheme', async () => {
    const pair = Buffer.from(`bot:${key}`).toString('base64');
    expect(await sureness('config.json', `{"auths": {"r.io": {"auth": "${pair}"}}}`)).toBeGreaterThan(0.85);
    expect(await sureness('.npmrc', `_auth=${pair}`)).toBeGreaterThan(0.85);
    expect(await sureness('config.json', `{"auth": "${key}"}`)).toBeLessThan(0.85);
  });

  test('is none where names and values look alike', async () => {
    for (const text of [
      `<column name="password" value="${scrambled(40, hex)}"/>`,
      `<input type="hidden" name="authenticity_token" value="${key}">`,
      'context.tokenFilter("edge_ngram_2_20")',
      'The password for staging is in the vault, ask Chris2.',
      '- name: TOKEN_URL\n  value: https://id.corp.net/v1/oauth2/token',
      '- name: TOKEN\n- name: OTHER\n  value: aB3aB3aB3xYz9876543210qw\n',
    ])
      expect(await sureness('a.xml', text), text).toBeLessThan(0.6);
  });
});

/** DER of a key's size that says how long it is; `short` bytes are missing. */
function der(short: number): string {
  const body = Buffer.from(scrambled(600, alphanumeric, 31));
  return Buffer.concat([Buffer.from([0x30, 0x82, 2, 88, 2, 1, 0]), body])
    .subarray(0, 604 - short)
    .toString('base64');
}

test('a private key refuses, unless it is locked, cut, or stands among tests', async () => {
  const label = glue('RSA PRIVATE', ' KEY');
  expect(await sureness('deploy/a.key', pem(label, der(0)))).toBe(0.98);
  expect(await sureness('test/fixtures/a.key', pem(label, der(0)))).toBe(0.8);
  expect(await sureness('deploy/a.key', pem(label, der(200)))).toBe(0.8);
  const locked = `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n${der(0)}`;
  expect(await sureness('deploy/a.key', pem(label, locked))).toBe(0.8);
  const ssh = (cipher: string) =>
    Buffer.concat([
      Buffer.from('openssh-key-v1\0\0\0\0'),
      Buffer.from([cipher.length]),
      Buffer.from(cipher + scrambled(200, alphanumeric)),
    ]).toString('base64');
  const armour = glue('OPENSSH PRIVATE', ' KEY');
  expect(await sureness('id', pem(armour, ssh('none')))).toBe(0.98);
  expect(await sureness('test/id', pem(armour, ssh('none')))).toBe(0.8);
  expect(await sureness('id', pem(armour, ssh('aes256-ctr')))).toBe(0.8);
});

test('among tests, hex may be the digest of anything, other keys may not', async () => {
  expect(await sureness('test/a.py', `token = "${scrambled(40, hex)}"`)).toBe(0.8);
  expect(await sureness('test/a.py', `token = "${key}"`)).toBeGreaterThan(0.85);
  expect(await sureness('a.toml', `token = "${scrambled(24, upper)}"`)).toBeGreaterThan(0.85);
});
