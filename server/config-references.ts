// What the configuration refers to: secrets in the environment or in files, and certificates. What cannot be had is told
// as a problem; nothing that was read is.
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import type { ValuePath } from '../core/yaml.ts';
import { readBoundedFile } from './bounded-file.ts';
import type { Environment } from './config-types.ts';
import type { SecretRef } from './config-values.ts';
import { Secret } from './secret.ts';

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
  async secret(ref: SecretRef, path: ValuePath): Promise<Secret> {
    if ('env' in ref) {
      const value = this.#env[ref.env] ?? '';
      if (value === '') this.#fault(path, `the environment variable ${ref.env} is not set`);
      return new Secret(this.#usable(value, path));
    }
    const text = await this.#file(ref.file, longestSecret, path);
    const value = text?.replace(/\r?\n$/, '');
    if (value === '') this.#fault(path, 'the file with the secret is empty');
    return new Secret(this.#usable(value ?? '', path));
  }

  /** A secret travels in HTTP headers and URLs, where a line break would do harm. */
  #usable(value: string, path: ValuePath): string {
    if (/[\r\n\0]/.test(value)) this.#fault(path, 'the secret has more than one line');
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

  async #file(name: string, cap: number, path: ValuePath): Promise<string | undefined> {
    const file = resolve(this.#directory, name);
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
