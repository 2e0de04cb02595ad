// Values in the shape of credentials, put together when a test runs. They open nothing: random, with right checksums.
import { generateKeyPairSync } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { base62, createRandom, type Random } from './random.ts';

export interface SecretSample {
  /** The credential itself: must be found, and must then stand in no log, message, answer or database. */
  readonly value: string;
  /** A line or file of ordinary source that carries it. */
  readonly text: string;
  readonly path: string;
}

// Prefixes are split, so that this file does not look like what it makes.
const makers = {
  'aws-access-key': (random) => {
    const id = glued('AK', 'IA') + random.text(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567');
    const value = random.text(40, `${base62}+/`);
    return {
      value,
      path: '.aws/credentials',
      text: `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${value}\n`,
    };
  },
  'github-token': (random) => inEnvironment('GITHUB_TOKEN', withChecksum(glued('gh', 'p_'), random)),
  'npm-token': (random) => {
    const value = withChecksum(glued('np', 'm_'), random);
    return { value, path: '.npmrc', text: `//registry.npmjs.org/:_authToken=${value}\n` };
  },
  'slack-bot-token': (random) =>
    inEnvironment(
      'SLACK_TOKEN',
      `${glued('xo', 'xb')}-${random.int(2, 9)}${random.digits(11)}-${random.int(2, 9)}${random.digits(12)}-${random.text(24, base62)}`,
    ),
  'stripe-live-key': (random) => inEnvironment('STRIPE_KEY', glued('sk_', 'live_') + random.text(24, base62)),
  'url-password': (random) => {
    const value = random.text(20, base62);
    return {
      value,
      path: 'config/database.yml',
      text: `url: postgres://billing:${value}@db.internal.acme-health.net:5432/billing\n`,
    };
  },
  'private-key': () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const value = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { value, path: 'deploy/server.key', text: value };
  },
  'generic-password': (random) => {
    const value = random.text(24, `${base62}!%+-_`);
    return { value, path: 'src/client.py', text: `DB_PASSWORD = "${value}"\n` };
  },
} satisfies Readonly<Record<string, (random: Random) => SecretSample>>;

export type SecretKind = keyof typeof makers;

/** Every kind that a sample can be had of. */
export const secretKinds = Object.keys(makers) as readonly SecretKind[];

/** The sample of a kind and seed; private keys are new each time. */
export function secretSample(kind: SecretKind, seed = 1): SecretSample {
  return makers[kind](createRandom(seed));
}

function glued(...pieces: readonly string[]): string {
  return pieces.join('');
}

function inEnvironment(name: string, value: string): SecretSample {
  return { value, path: '.env', text: `${name}=${value}\n` };
}

/** GitHub's and npm's shape: 30 characters, then their CRC-32 in base 62, six digits. */
function withChecksum(prefix: string, random: Random): string {
  const body = random.text(30, base62);
  let left = crc32(body);
  let checksum = '';
  for (let at = 0; at < 6; at += 1) {
    checksum = `${base62[left % 62]}${checksum}`;
    left = Math.floor(left / 62);
  }
  return prefix + body + checksum;
}
