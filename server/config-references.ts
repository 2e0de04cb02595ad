// What the configuration refers to: secrets in the environment or in files, and certificates. What cannot be had is told
// as a problem; nothing that was read is.
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import type { ValuePath } from '../core/yaml.ts';
import { readBoundedFile } from './bounded-file.ts';
import type { Environment } from './config-types.ts';
import type { SecretRef } from './config-values.ts';
import { Secret } from './secret.ts';
import { faultOfSecret, type SecretLines, withoutLastBreak } from './secret-source.ts';

const longestSecret = 65_536;
const longestCaFile = 4 * 2 ** 20;

export class ReferenceReader {
  readonly #env: Environment;
  readonly #directory: string;
  readonly #fault: (path: ValuePath, message: string) => void;

  /** `directory`: what relative names are relative to. */
  constructor(env: Environment, directory: string, fault: (path: ValuePath, message: string) => void) {
    this.#env = env;
    this.#directory = directory;
    this.#fault = fault;
  }

  /** Reads a secret; one that cannot be had is a problem, and the empty secret stands in until that is told. */
  async secret(ref: SecretRef, path: ValuePath, lines: SecretLines = 'one line'): Promise<Secret> {
    if ('env' in ref) {
      const value = this.#env[ref.env] ?? '';
      if (value === '') this.#fault(path, `the environment variable ${ref.env} is not set`);
      return new Secret(this.#usable(value, path, lines));
    }
    const text = await this.#file(ref.file, longestSecret, path);
    const value = text === undefined ? undefined : withoutLastBreak(text);
    if (value === '') this.#fault(path, 'the file with the secret is empty');
    return new Secret(this.#usable(value ?? '', path, lines));
  }

  /** The file that a reference names, absolute. */
  fileName(name: string): string {
    return resolve(this.#directory, name);
  }

  /** Most secrets travel in HTTP headers and URLs, where a line break would do harm. */
  #usable(value: string, path: ValuePath, lines: SecretLines): string {
    const fault = value === '' ? undefined : faultOfSecret(value, lines);
    if (fault !== undefined) this.#fault(path, `the secret ${fault}`);
    return value;
  }

  /** The PEM text of certificate authorities; undefined where it cannot be had, which is a problem. */
  async certificates(file: string, path: ValuePath): Promise<string | undefined> {
    const text = await this.#file(file, longestCaFile, path);
    if (text === undefined) return undefined;
    try {
      return new X509Certificate(text).raw.length > 0 ? text : undefined;
    } catch {
      this.#fault(path, 'the file does not begin with a PEM certificate');
      return undefined;
    }
  }

  /** The text of a file with a private key, which has several lines; undefined where it cannot be had. */
  async privateKey(file: string, path: ValuePath): Promise<Secret | undefined> {
    const text = await this.#file(file, longestSecret, path);
    return text === undefined ? undefined : new Secret(text);
  }

  async #file(name: string, cap: number, path: ValuePath): Promise<string | undefined> {
    const file = this.fileName(name);
    try {
      const bytes = await readBoundedFile(file, cap);
      if (bytes !== undefined) return bytes.toString('utf8');
      this.#fault(path, `the file ${file} is larger than ${cap} bytes`);
    } catch {
      this.#fault(path, `couldn't read the file ${file}`);
    }
    return undefined;
  }
}
