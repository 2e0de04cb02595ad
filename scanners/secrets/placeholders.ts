// What stands where a credential would, but is none: placeholders, templates, names and prose.

const words =
  /example|sample|dummy|placeholder|change.?(?:me|it|this)|replace|redact|insert|your|(?:^|[^a-z])(?:my|some|the)[_-]|todo|fixme|xxxx|\*{3}|\.{3}|…|foo|bar(?:$|[^a-z])|baz|lorem|s3cr3t|secret|p.{1,4}ssw|pa.?sword|^pass|hunter2|qwerty|letmein|default|undefined|null|none|false|true|unknown|invalid|optional|required|deadbeef|cafebabe|test|mock|fake|hidden|masked|abcdef|abc123|1234|0000|aaaa|asdf|token|credential|api.?key|generated|encrypted|changed|admin|guest|string/i;
const template =
  /^[<[({]|[$#]\{|\{\{|\}\}|<[^>]+>|%\(|%[sdv]\b|\$\(|^\$[A-Za-z_]|^\w+\(|\)$|=>|::|\\[(xu]|^\/\S|^\.{1,2}\/|^[A-Za-z]:\\|^https?:|^urn:|^[\w.-]+@[\w.-]+\.\w+$/;
const identifier =
  /^(?:[a-z]+(?:[A-Z][a-z]+)+|[A-Z]?[a-z]+(?:[ _.\-/:][A-Za-z]?[a-z]+)*|[A-Z]+(?:_[A-Z]+)+|[A-Za-z_]+(?:\.[A-Za-z_]+\(?\)?)+|(?:[A-Z][a-z]+)+)$/;

/** In a long random string three letters may spell a word by chance; these do not. */
const longWords =
  /example|sample|placeholder|change.?(?:me|it|this)|replace|redact|x{6}|\*{3}|\.{3}|secret|passw|undefined|deadbeef|abcdef|123456|0{6}|a{6}|token|credential|api.?key/i;

/** Parts of the names of algorithms, which settings of passwords and tokens take. */
const algorithmParts = new Set(
  (
    'scram hmac rsa dsa ecdsa eddsa ed aes sha md pbkdf argon bcrypt scrypt chacha poly hs rs es ps cbc gcm ecb oaep ' +
    'pkcs with and id i d x p v secp curve prime'
  ).split(' '),
);

/** True for `scram-sha-256`, `aes256gcm`, `RSA/ECB/PKCS1` and their like. */
function isAlgorithm(value: string): boolean {
  if (value.length > 32 || value.replaceAll(/\D/g, '').length > 8) return false;
  const parts = value.toLowerCase().split(/[^a-z]+/);
  return (
    parts.some((part) => part.length > 1) && parts.every((part) => part === '' || algorithmParts.has(part))
  );
}

/** Values that standards print as examples (RFC 6749, RFC 6750, RFC 7617). */
const published = new Set([
  '2YotnFZFEjr1zCsicMWpAA',
  'tGzv3JOkF0XG5Qx2TlKWIA',
  'czZCaGRSa3F0MzpnWDFmQmF0M2JW',
  'gX1fBat3bV',
  '7Fjfp0ZBr1KtDRbnfVdmIw',
  'mF_9.B5f-4.1JqM',
  'SplxlOBeZQQYbYS6WxSbIA',
  'open sesame',
  // MD5, SHA-1 and SHA-256 of nothing.
  'd41d8cd98f00b204e9800998ecf8427e',
  'da39a3ee5e6b4b0d3255bfef95601890afd80709',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
]);

/** True for values that say of themselves that they are no credential. */
export function isPlaceholder(value: string): boolean {
  if (published.has(value) || isAlgorithm(value)) return true;
  if (
    /[\x80-\xff]/.test(value) ||
    template.test(value) ||
    /^(.)\1+$/.test(value) ||
    /^[\d.,:+\-/ ]+$/.test(value) ||
    // Versions and ranges of versions.
    /^[~^<>=v]{0,3}\d{1,4}\.\d{1,4}(?:\.\d{1,6})?(?:[-+.][\w.]{1,20})?$/.test(value)
  )
    return true;
  const random =
    value.length >= 20 && /\d/.test(value) && /[A-Za-z]/.test(value) && !/[_. -][a-z]{3,}/i.test(value);
  return (random ? longWords : words).test(value);
}

/** True for values that read like a name in a program or a phrase: letters only, in words. */
export function isIdentifier(value: string): boolean {
  return identifier.test(value);
}
