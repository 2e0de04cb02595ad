// Verifies signatures of commits and tags with the installed git, which asks ssh-keygen and gpg. Only the keys of the
// policy are known to them: no keyring of the machine, no network, no agent. What is verified is attacker-controlled.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Oid } from '../../core/oid.ts';
import type { SignatureState } from '../../core/operation.ts';
import type { AuthorRules } from '../../core/policy/authors.ts';
import { runGit } from './process.ts';

export interface VerifiedSignature {
  /** `good` says that the signature is right; whether its key counts is for the policy to say. */
  readonly state: SignatureState;
  /** Of the key, as the policy's keys are named; empty where it could not be told. */
  readonly fingerprint: string;
}

/** Objects and the repository that holds them. */
export interface SignedObjects {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly commits: readonly Oid[];
  readonly tags: readonly Oid[];
}

export interface SignatureVerifier {
  /** Verifies them; what is past the limits of number and time is `unknown`. */
  verify(objects: SignedObjects, signal: AbortSignal): Promise<ReadonlyMap<Oid, VerifiedSignature>>;
}

const mostCommits = 2_000;
const mostTags = 100;
const deadlineMs = 60_000;
/** The one name that the file of allowed signers gives to every key; whose key it is stands in the policy. */
const anybody = 'signer';

const gpgOptions = [
  'batch',
  'no-tty',
  'no-autostart',
  'disable-dirmngr',
  'no-auto-key-retrieve',
  'no-auto-check-trustdb',
  'no-default-keyring',
  'trust-model always',
];

/** Writes the keys below `directory`, in place of those of an earlier start. */
export async function createSignatureVerifier(
  directory: string,
  signers: AuthorRules['signers'],
): Promise<SignatureVerifier> {
  const gnupgHome = join(directory, 'gnupg');
  const allowed = join(directory, 'allowed-signers');
  await rm(directory, { recursive: true, force: true });
  await mkdir(gnupgHome, { recursive: true, mode: 0o700 });
  const ring = join(gnupgHome, 'keys.gpg');
  const sshKeys = signers.flatMap(({ ssh }) => ssh.map(({ type, blob }) => `${anybody} ${type} ${blob}\n`));
  const pgpKeys = signers.flatMap(({ gpg }) => gpg.map(({ packets }) => Buffer.from(packets, 'base64')));
  await Promise.all([
    writeFile(allowed, sshKeys.join('')),
    // A keyring in gpg's older form is the keys one after the other.
    writeFile(ring, Buffer.concat(pgpKeys)),
    writeFile(join(gnupgHome, 'gpg.conf'), [...gpgOptions, `keyring ${ring}`, ''].join('\n')),
  ]);
  const settings = [
    ['gpg.ssh.allowedSignersFile', allowed],
    ['gpg.ssh.program', 'ssh-keygen'],
    ['gpg.program', 'gpg'],
    ['gpg.x509.program', 'false'],
    ['log.showSignature', 'false'],
  ].flatMap(([key, value]) => ['-c', `${key}=${value}`]);

  async function ask(
    args: readonly string[],
    { directory: cwd, environment }: SignedObjects,
    signal: AbortSignal,
    input = '',
  ) {
    const env = { ...environment, GNUPGHOME: gnupgHome };
    return runGit([...settings, ...args], { cwd, env, signal, input: Buffer.from(input) });
  }

  return {
    async verify(objects, signal) {
      const found = new Map<Oid, VerifiedSignature>();
      for (const oid of [...objects.commits, ...objects.tags]) found.set(oid, untold);
      const deadline = AbortSignal.timeout(deadlineMs);
      const either = AbortSignal.any([signal, deadline]);
      try {
        const commits = objects.commits.slice(0, mostCommits);
        if (commits.length > 0) {
          const input = commits.map((oid) => `${oid}\n`).join('');
          const { stdout } = await ask(logArguments, objects, either, input);
          readLog(Buffer.from(stdout).toString('latin1'), commits, found);
        }
        for (const oid of objects.tags.slice(0, mostTags)) {
          const { code, stderr } = await ask(['verify-tag', '--raw', oid], objects, either);
          found.set(oid, readRaw(stderr, code === 0));
        }
      } catch (thrown) {
        // Out of time: what was not verified stays unknown.
        if (signal.aborted || !deadline.aborted) throw thrown;
      }
      return found;
    },
  };
}

const untold: VerifiedSignature = { state: 'unknown', fingerprint: '' };

const logArguments = ['log', '--no-walk=unsorted', '--stdin', '--format=%H %G? %GF %GP'];

// gitformat `%G?`.
const stateOfLetter: Readonly<Record<string, SignatureState>> = {
  G: 'good',
  B: 'bad',
  U: 'unknown',
  X: 'expired',
  Y: 'expired',
  R: 'expired',
  E: 'unknown',
  N: 'none',
};

function readLog(text: string, asked: readonly Oid[], found: Map<Oid, VerifiedSignature>): void {
  const known = new Map(asked.map((oid) => [String(oid), oid]));
  for (const line of text.split('\n')) {
    const [hash = '', letter = '', own = '', primary = ''] = line.split(' ');
    const oid = known.get(hash);
    if (oid === undefined) continue;
    found.set(oid, {
      state: stateOfLetter[letter] ?? 'unknown',
      fingerprint: primary === '' ? own : primary,
    });
  }
}

const sshGood = new RegExp(
  `^Good "git" signature (for ${anybody} )?with [A-Z0-9-]+ key (SHA256:\\S{43})$`,
  'm',
);
const pgpEnds: readonly { readonly word: RegExp; readonly state: SignatureState }[] = [
  { word: /^\[GNUPG:\] BADSIG /m, state: 'bad' },
  { word: /^\[GNUPG:\] (?:EXPSIG|EXPKEYSIG|REVKEYSIG) /m, state: 'expired' },
  { word: /^\[GNUPG:\] GOODSIG /m, state: 'good' },
];

/** What git says of one tag with `--raw`: the status of gpg or the words of ssh-keygen. */
function readRaw(text: string, isFine: boolean): VerifiedSignature {
  const [, principal, sshKey] = sshGood.exec(text) ?? [];
  if (sshKey !== undefined)
    return { state: principal !== undefined && isFine ? 'good' : 'unknown', fingerprint: sshKey };
  // Several signatures are refused by git; which of them would count?
  if ((text.match(/^\[GNUPG:\] NEWSIG/gm) ?? []).length > 1) return { state: 'bad', fingerprint: '' };
  const end = pgpEnds.find(({ word }) => word.test(text));
  const primary = /^\[GNUPG:\] VALIDSIG (?:\S+ ){9}([0-9A-F]{40})$/m.exec(text)?.[1] ?? '';
  if (end?.state === 'good' && !isFine) return untold;
  if (end !== undefined) return { state: end.state, fingerprint: primary };
  return /signature verification failed|could not verify signature/i.test(text)
    ? { state: 'bad', fingerprint: '' }
    : untold;
}
