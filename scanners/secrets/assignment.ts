// Literals assigned to names that promise a credential: `password = "…"`, `api_key: …`, `CLIENT_SECRET=…`. Such a hit is
// unproven: the driver keeps it only if the value reads like a random string and not like text.
import type { Line, PatternRule } from '../rule.ts';
import { isIdentifier, isPlaceholder } from './placeholders.ts';
import { isTestPath, TEST_PATH_CONFIDENCE } from './test-path.ts';

const literals = [
  ...[
    'passw',
    'passphrase',
    'passcode',
    'pwd',
    'secret',
    'token',
    'api_key',
    'apikey',
    'api-key',
    'access_key',
  ],
  ...[
    'accesskey',
    'access-key',
    'auth_key',
    'authkey',
    'private_key',
    'privatekey',
    'credential',
    'encryption_key',
  ],
  ...[
    'encryptionkey',
    'signing_key',
    'signingkey',
    'master_key',
    'masterkey',
    'account_key',
    'accountkey',
    'storage_key',
  ],
  ...[
    'shared_key',
    'session_key',
    'service_key',
    'license_key',
    'client_key',
    'admin_key',
    'app_key',
    'nkey',
  ],
];

const keyword =
  /(pass(?:w(?:or)?d|phrase|code)|pwd|secret|token|credentials?|nkey|(?:api|access|auth|private|encryption|signing|master|account|storage|shared|session|service|license|client|admin|app)[_-]?key)(\w{0,24}(?:[.-]\w{1,16}){0,2})(["'`]?\]?\s{0,8}(?::\s{0,2}(?:string|str|String|&str|char\*)\s{0,4})?(?:=>|:=|={1,3}|:|,(?=\s{0,4}["'`])|\s(?=["'`]))\s{0,8}|\\?["']\s{0,2}:\s{0,2}\\?)(?:(?:b|r|u|f|@|\[\]byte\(|new String\(|Buffer\.from\(|createSecretKey\()\(?(?=["'`]))?(?:\\?(["'`])([^"'`\s\\]{6,240})\\?\4|([^\s"'`,;<>{}()[\]\\]{6,240})(?=[\s,;]|$))/gi;

/** Endings of a name that make its value something about a credential instead of the credential. */
const about =
  /(?:name|field|type|ur[li]|path|file|dir|label|length|len|policy|hint|placeholder|prompt|error|message|msg|header|param|parameter|prefix|suffix|regexp?|pattern|format|endpoint|expir\w*|ttl|count|index|size|limit|class|input|id|ids|kind|mode|algorithm|alg|version|title|text|description|desc|status|state|ref|reference|key_?id|store|manager|provider|factory|service|scope|s|reset|hash|digest|ring|code|var|variable)$/i;

/** Beginnings of a name that make a token a place in a list or a mark against replays, of no use to a thief. */
const cursor =
  /(?:next|page|continuation|sync|resum\w{1,3}|pagination|starting|lock|idempotency|request|csrf|xsrf|unit|cancellation|stop|start|end|change)[_-]?$/i;

/** The name is a file's: what stands beside it is a checksum. */
const fileName =
  /\.(?:php|js|mjs|cjs|jsx|tsx?|py|rb|go|rs|java|kt|cs|html?|css|scss|json|ya?ml|md|txt|vue|swift|c|h|cpp)$/i;

export const assignmentRule: PatternRule = {
  literals,
  find(line, emit) {
    if (line.document.binary || line.document.kind === 'names') return;
    for (const match of line.text.matchAll(keyword)) {
      const name = match[1] ?? '';
      const rest = match[2] ?? '';
      const quoted = match[5];
      const value = quoted ?? match[6] ?? '';
      // In program source a bare word is a name, and a name is no credential.
      if (quoted === undefined && line.document.source && !isShell(line)) continue;
      if (rest !== '' && (about.test(rest) || fileName.test(rest))) continue;
      if (cursor.test(line.text.slice(Math.max(0, match.index - 16), match.index))) continue;
      if (isPlaceholder(value) || isIdentifier(value)) continue;
      const password = /^(?:pass|pwd)/i.test(name);
      if (!password && value.length < 12) continue;
      const end = line.start + match.index + match[0].length - (quoted === undefined ? 0 : closing(match[0]));
      const start = end - value.length;
      const rule = password ? 'secret/password' : 'secret/generic';
      emit({
        rule,
        start,
        end,
        confidence: Math.min(
          confidence(value, password, quoted !== undefined),
          isTestPath(line.document.path) ? TEST_PATH_CONFIDENCE : 1,
          isPublicKey(name, line.document.extension) ? 0.75 : 1,
          isHash(value) ? 0.6 : 1,
        ),
        unproven: true,
      });
    }
  },
};

function closing(match: string): number {
  return /\\["'`]$/.test(match) ? 2 : 1;
}

/** An API key in a web page is given to every reader of the page. */
function isPublicKey(name: string, extension: string): boolean {
  return /^html?$/.test(extension) && /^(?:api|app|client|access)[_-]?key$/i.test(name);
}

/** Hashes of passwords (modular crypt format, RFC 2307 schemes) let nobody in. */
function isHash(value: string): boolean {
  return /^\$(?:[156]|2[abxy]|argon2\w{1,2}|scrypt|pbkdf2[\w-]{0,12}|y|apr1)\$|^pbkdf2[:_]|^\{S?SHA\d{0,3}\}/i.test(
    value,
  );
}

function isShell(line: Line): boolean {
  return /^(?:sh|bash|zsh|fish|ps1|bat|cmd|tf|hcl)$/.test(line.document.extension);
}

/** Long values of several classes of characters are keys; short ones may be anything. */
function confidence(value: string, password: boolean, quoted: boolean): number {
  const classes = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((each) => each.test(value)).length;
  const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
  if (uuid) return 0.6;
  if (!/\d/.test(value)) return value.length >= 16 ? 0.6 : 0.5;
  if (value.length >= 20 && classes >= 2) return quoted ? 0.9 : 0.87;
  if (password && value.length >= 10 && classes >= 3) return quoted ? 0.87 : 0.8;
  return 0.65;
}
