// From a checked `audit.checkpointStore` to the store in force.
import type { ReferenceReader } from './config-references.ts';
import type { Config } from './config-types.ts';
import type { ConfigDocument } from './config-schema.ts';
import { resolveS3Place } from './s3-schema.ts';
import { Secret } from './secret.ts';

/** Undefined where none is named. */
export async function resolveCheckpointStore(
  references: ReferenceReader,
  written: ConfigDocument['audit']['checkpointStore'],
): Promise<Config['audit']['checkpointStore']> {
  const at = (name: string): readonly string[] => ['audit', 'checkpointStore', ...name.split('.')];
  if (written?.s3 !== undefined) {
    const store = await resolveS3Place(references, (name) => at(`s3.${name}`), written.s3);
    return { kind: 'bucket', store, prefix: written.s3.prefix };
  }
  const url = written?.url;
  if (url === undefined) return undefined;
  if (typeof url === 'string') return { kind: 'database', url: new Secret(url) };
  const secret = await references.secret(url, at('url'));
  return secret && { kind: 'database', url: secret };
}
