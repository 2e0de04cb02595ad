// What a name promises: a password, another credential, a number used once, or only a key of some sort.

export type CredentialKind = 'password' | 'credential' | 'key' | 'nonce';

/** Names in an expression; the longer ones stand first. */
export const namePattern =
  'pass(?:w(?:or)?d|phrase|code)|(?:(?<![A-Za-z])|(?<=db|user|smtp|mail|root|admin|sql|app|my|ftp|ssh))pass(?![A-Za-z])|' +
  'pwd|secret|token|credentials?|oauth_?verifier|nkey|nonce|' +
  '(?:api|access|auth|private|encryption|signing|master|account|storage|shared|session|service|license|client|admin|app)[_-]?key|' +
  '(?<![A-Za-z])x?key';

/** What a match of it begins with: it is tried where one of these stands, and nowhere else. */
export const nameStarts: readonly string[] = [
  ...['pass', 'pwd', 'secret', 'token', 'credential', 'oauth', 'nkey', 'nonce', 'xkey', 'key'],
  ...['api', 'access', 'auth', 'private', 'encryption', 'signing', 'master', 'account', 'storage', 'shared'],
  ...['session', 'service', 'license', 'client', 'admin', 'app'],
];

/** Literals that lead to them. */
export const nameLiterals: readonly string[] = [
  ...[
    'passw',
    'passphrase',
    'passcode',
    'pwd',
    'secret',
    'token',
    'credential',
    'nkey',
    'nonce',
    'verifier',
    'pass:',
    'pass =',
    'pass=',
    'pass"',
    "pass'",
    '_pass ',
    'pass :',
  ],
  ...[
    '_key',
    '-key',
    'apikey',
    'accesskey',
    'authkey',
    'privatekey',
    'encryptionkey',
    'signingkey',
    'masterkey',
  ],
  ...[
    'accountkey',
    'storagekey',
    'sharedkey',
    'sessionkey',
    'servicekey',
    'licensekey',
    'clientkey',
    'adminkey',
  ],
  ...['appkey', 'xkey', '"key', "'key", 'key:', 'key :', 'key=', 'key ='],
];

/** The kind of a name that `namePattern` matched. */
export function kindOf(name: string): CredentialKind {
  if (/^(?:pass|pwd)/i.test(name)) return 'password';
  if (/^nonce/i.test(name)) return 'nonce';
  return /^x?key$/i.test(name) ? 'key' : 'credential';
}

/** Endings of a name that make its value something about a credential instead of the credential. */
const about =
  /(?:name|field|type|ur[li]|path|file|dir|label|length|len|policy|hint|placeholder|prompt|error|message|msg|header|param|parameter|prefix|suffix|regexp?|pattern|format|endpoint|expir\w*|ttl|count|index|size|limit|class|input|id|ids|kind|mode|algorithm|alg|version|title|text|description|desc|status|state|ref|reference|key_?id|store|manager|provider|factory|service|scope|s|reset|hash|digest|ring|filter|i[sz]er|code|var|variable)$/i;

/** The name is a file's: what stands beside it is a checksum. */
const fileName =
  /\.(?:php|js|mjs|cjs|jsx|tsx?|py|rb|go|rs|java|kt|cs|html?|css|scss|json|ya?ml|md|txt|vue|swift|c|h|cpp)$/i;

/** True where `rest`, what follows the name, says that the value is no credential. */
export function isAboutCredential(kind: CredentialKind, rest: string): boolean {
  if (rest === '') return false;
  if (kind === 'key' || kind === 'nonce') return !/^(?:_?value|_?str(?:ing)?|_?data)$/i.test(rest);
  return about.test(rest) || fileName.test(rest);
}

/** Beginnings of a name that make a token a place in a list or a mark against replays, of no use to a thief. */
const cursor =
  /(?:next|page|authenticity|continuation|sync|resum\w{1,3}|pagination|starting|lock|idempotency|request|csrf|xsrf|unit|cancellation|stop|start|end|change|public_?key|badge\.svg\?)[_-]?$/i;

/** Keys that open nothing. */
const openKey =
  /(?:public|pub|primary|foreign|cache|sort|group|hash|partition|row|unique|object|s3|file|registry|host|map|dict|json|index|search|translation|message|i18n|react|routing|site|publishable|lookup|sig|checksum|etag)[_-]?$/i;

/** True where what stands in front of the name says so. */
export function isHarmlessBefore(kind: CredentialKind, before: string): boolean {
  return cursor.test(before) || (kind === 'key' && openKey.test(before));
}
