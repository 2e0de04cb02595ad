// Puts the newest checkpoint into every place that the configuration names.
import type { Clock } from '../core/services.ts';
import { anchorBucket } from './audit/anchor-bucket.ts';
import { anchorDirectory, type AnchorPlace, startAnchoring } from './audit/anchoring.ts';
import type { DurableAuditLog } from './audit/log.ts';
import type { Config } from './config.ts';
import type { Database } from './db.ts';
import { anchorDirectoryOf, createAnchorRepository } from './git/anchor-repository.ts';
import { createUpstreamCredential } from './upstream-credential.ts';

export interface AnchorOptions {
  readonly config: Config;
  readonly database: Database;
  readonly audit: Pick<DurableAuditLog, 'append'>;
  readonly clock: Clock;
}

/** Starts what the configuration names; dispose of it before the log. */
export function startAnchors({ config, database, audit, clock }: AnchorOptions): AsyncDisposable {
  const opened = new AsyncDisposableStack();
  const { anchor } = config.audit;
  if (anchor === undefined) return opened;
  const { directory, bucket, git, every } = anchor;
  const places: AnchorPlace[] = [];
  if (directory !== undefined) places.push(anchorDirectory(directory));
  if (bucket !== undefined) places.push(opened.use(anchorBucket(bucket, clock)));
  if (git !== undefined) {
    const { url, branch, credential: settings, ca, caFile } = git;
    const credential = createUpstreamCredential(
      { credential: settings, ...(ca === undefined ? {} : { ca }) },
      () => performance.now(),
    );
    const local = anchorDirectoryOf(config.dataDir);
    places.push(opened.use(createAnchorRepository({ directory: local, url, branch, caFile, credential })));
  }
  const append: typeof audit.append = (event) => audit.append(event);
  for (const place of places) opened.use(startAnchoring({ database, append, place, everyMs: every * 1000 }));
  return opened;
}
