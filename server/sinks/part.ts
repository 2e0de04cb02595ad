// Sends the audit log to the receivers of the configuration. Without one it does nothing.
import type { AuditStream } from '../../core/audit-stream.ts';
import type { AuditLog } from '../../core/services.ts';
import type { SinkSettings } from '../config.ts';
import type { Database } from '../db.ts';
import { openSink } from './open-sink.ts';
import { type Pace, type Shipping, type ShippingState, startShipping, usualPace } from './shipping.ts';
import { readSinks, type SinkHolder } from './store.ts';

export interface SinksOptions {
  readonly sinks: readonly SinkSettings[];
  readonly stream: AuditStream;
  readonly database: Database;
  readonly holder: SinkHolder;
  readonly append: AuditLog['append'];
  readonly onProblem: (problem: string, error: unknown) => void;
  readonly pace?: Partial<Pace>;
}

/** How a sink stands, for `/readyz`. */
export interface SinkReport {
  readonly name: string;
  readonly state: ShippingState;
  /** Entries that the receiver does not have yet. */
  readonly behind: number;
  /** Entries that it refused. */
  readonly refused: number;
  readonly failingSince?: string;
  readonly problem?: string;
}

export interface SinksPart extends AsyncDisposable {
  /** As of a few seconds ago. */
  report(): readonly SinkReport[];
}

/** Starts sending; dispose of it before the log. */
export function createSinks(options: SinksOptions): SinksPart {
  const { stream, database } = options;
  const shippings: readonly Shipping[] = options.sinks.map((settings) =>
    startShipping({ ...options, settings, sink: openSink(settings, stream.origin) }),
  );
  let reports: readonly SinkReport[] = [];
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    const [size, rows] = await Promise.all([
      stream.size(),
      readSinks(
        database,
        shippings.map(({ name }) => name),
      ),
    ]);
    reports = rows.map(({ name, next, failingSince, problem, refused }) => ({
      name,
      state: shippings.find((shipping) => shipping.name === name)?.state() ?? 'starting',
      behind: Math.max(0, size - next),
      refused,
      ...(failingSince === null ? {} : { failingSince: failingSince.toISOString() }),
      ...(problem === null ? {} : { problem }),
    }));
  }

  // Without the database the last report stands; `/readyz` fails then anyhow.
  const turn = (): void => {
    looking ??= look()
      .catch(() => undefined)
      .finally(() => (looking = undefined));
  };
  const timer =
    shippings.length === 0 ? undefined : setInterval(turn, options.pace?.lookMs ?? usualPace.lookMs);
  timer?.unref();
  return {
    report: () => reports,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await looking;
      await Promise.all(shippings.map((shipping) => shipping[Symbol.asyncDispose]()));
    },
  };
}
