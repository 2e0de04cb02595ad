// Where a secret of the configuration comes from, and how it is read again: a file when it has changed, a command when
// what it gave is old or was refused. The file and the command are the operator's; what they give is only ever passed on.
import { stat } from 'node:fs/promises';
import { GuardError } from '../core/errors.ts';
import { readBoundedFile } from './bounded-file.ts';
import { Secret } from './secret.ts';
import { runSecretCommand } from './secret-command.ts';

export type SecretSource =
  | { readonly kind: 'value'; readonly value: Secret }
  /** `path` is absolute. */
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'command';
      /** An absolute path. */
      readonly program: string;
      readonly args: readonly string[];
      /** Seconds that it may take. */
      readonly timeout: number;
      /** Seconds for which its output is good; 0 asks it each time. */
      readonly cacheFor: number;
    };

export interface SecretReader {
  /** The secret as it is now. Rejects with `upstream/no-credential`; the message names the source, never its content. */
  read(): Promise<Secret>;
  /** What was read last was refused: it is not taken from memory again, unless it is only just there. */
  refused(): void;
}

export type SecretLines = 'one line' | 'many lines';

const longestSecret = 65_536;
/** A secret that is refused so soon after it was got is simply wrong: asking again would only cost. */
const youngMs = 10_000;

/** `now` in milliseconds, of a clock that only goes forward. */
export function openSecret(
  source: SecretSource,
  options: { readonly now: () => number; readonly lines?: SecretLines },
): SecretReader {
  const lines = options.lines ?? 'one line';
  switch (source.kind) {
    case 'value':
      return { read: () => Promise.resolve(source.value), refused: () => undefined };
    case 'file':
      return fileReader(source.path, lines);
    case 'command':
      return commandReader(source, lines, options.now);
  }
}

/** What keeps a text from being a secret, as the end of a sentence; undefined where nothing does. */
export function faultOfSecret(text: string, lines: SecretLines): string | undefined {
  if (text === '') return 'is empty';
  if (text.includes('\0')) return 'holds a NUL byte';
  return lines === 'one line' && /[\r\n]/.test(text) ? 'has more than one line' : undefined;
}

/** A text as it stands in a file or comes from a program: without its last line break. */
export function withoutLastBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function fileReader(path: string, lines: SecretLines): SecretReader {
  let kept: { readonly version: string; readonly secret: Secret } | undefined;

  async function read(): Promise<Secret> {
    const version = await versionOf(path);
    if (kept?.version === version) return kept.secret;
    const bytes = await readBoundedFile(path, longestSecret);
    if (bytes === undefined) throw unusable(`the file ${path}`, `has more than ${longestSecret} bytes`);
    const text = withoutLastBreak(bytes.toString('utf8'));
    const fault = faultOfSecret(text, lines);
    if (fault !== undefined) throw unusable(`the file ${path}`, fault);
    const secret = new Secret(text);
    kept = { version, secret };
    return secret;
  }

  return {
    read: () =>
      read().catch((thrown: unknown) => {
        if (thrown instanceof GuardError) throw thrown;
        throw unusable(`the file ${path}`, 'cannot be read', thrown);
      }),
    refused: () => (kept = undefined),
  };
}

/** Changes whenever the file is written or replaced, also behind a symbolic link. */
async function versionOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

function commandReader(
  source: Extract<SecretSource, { readonly kind: 'command' }>,
  lines: SecretLines,
  now: () => number,
): SecretReader {
  let kept: { readonly at: number; readonly secret: Secret } | undefined;
  let running: Promise<Secret> | undefined;

  async function run(): Promise<Secret> {
    const output = await runSecretCommand(source.program, source.args, {
      timeoutMs: source.timeout * 1000,
      maxBytes: longestSecret,
    });
    if (output.kind === 'failed') throw unusable(`the command ${source.program}`, output.why);
    const text = withoutLastBreak(output.text);
    const fault = faultOfSecret(text, lines);
    if (fault !== undefined) throw unusable(`the output of the command ${source.program}`, fault);
    const secret = new Secret(text);
    kept = { at: now(), secret };
    return secret;
  }

  return {
    async read() {
      if (kept !== undefined && now() - kept.at < source.cacheFor * 1000) return kept.secret;
      // However many ask, the command runs once at a time.
      running ??= run().finally(() => (running = undefined));
      return running;
    },
    refused() {
      if (kept !== undefined && now() - kept.at >= youngMs) kept = undefined;
    },
  };
}

function unusable(what: string, why: string, cause?: unknown): GuardError {
  return new GuardError(
    'upstream/no-credential',
    `the guard has no credential for the forge: ${what} ${why}`,
    {
      cause,
    },
  );
}
