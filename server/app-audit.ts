// The audit log of the guard, put together for app.ts: its sealing, its witnesses, and what watches over it while it runs.
import { parseVerifierKey, signatureTypes } from '../core/checkpoint.ts';
import { GuardError } from '../core/errors.ts';
import type { Clock } from '../core/services.ts';
import { startAnchors } from './app-anchors.ts';
import { openCheckpointStore } from './app-checkpoints.ts';
import { startClockWatch } from './audit/clock-watch.ts';
import { createAuditLog, type DurableAuditLog } from './audit/log.ts';
import { createSealing, type Sealing } from './audit/sealing/sealing.ts';
import { findWrappingKey, openWrappingKey } from './audit/sealing/wrapping-key.ts';
import { startTimestamping } from './audit/timestamps/timestamping.ts';
import type { Witness } from './audit/witness-client.ts';
import type { Config } from './config.ts';
import type { Database } from './db.ts';

export interface AuditAppOptions {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
}

export interface AuditApp {
  readonly audit: DurableAuditLog;
  readonly sealing: Sealing;
}

/** Opens the log into `opened`, with what runs beside it closed before it. Rejects with a `GuardError`. */
export async function openAudit(options: AuditAppOptions, opened: AsyncDisposableStack): Promise<AuditApp> {
  const { config, database, clock } = options;
  const witnesses = config.audit.witnesses.map(readWitness);
  const sealingKey = config.audit.sealingKey?.reveal();
  const sealing = createSealing(await openWrappingKey(database, config.dataDir, sealingKey), () =>
    findWrappingKey(config.dataDir, sealingKey),
  );
  const checkpointStore = await openCheckpointStore(config.audit.checkpointStore, opened);
  const audit = opened.use(
    await createAuditLog({ database, dataDir: config.dataDir, clock, witnesses, sealing, checkpointStore }),
  );
  const append: DurableAuditLog['append'] = (event) => audit.append(event);
  opened.use(startClockWatch({ clock, append }));
  if (config.audit.timestamp !== undefined) {
    const { every, ...authority } = config.audit.timestamp;
    opened.use(startTimestamping({ database, append, authority, everyMs: every * 1000 }));
  }
  opened.use(startAnchors({ config, database, audit, clock }));
  return { audit, sealing };
}

function readWitness({ url, key: text }: { readonly url: string; readonly key: string }): Witness {
  const key = parseVerifierKey(text, signatureTypes.cosignature);
  if (key === undefined) throw new GuardError('config/invalid', 'the key of a witness is none');
  return { url, key };
}
