// Tells people of requests and alerts, over the channels of the configuration. Without a channel it does nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApprovalNotifier, AuditFeed } from '../../core/services.ts';
import type { AlertSettings, NotificationChannel } from '../config.ts';
import type { Database } from '../db.ts';
import { alertMessage } from './alert-message.ts';
import { createAlertWatch } from './alert-watch.ts';
import { approvalMessage } from './approval-message.ts';
import { createFanOut, type FanOut } from './fan-out.ts';
import { markAlertTold, prune, takeDueAlerts } from './store.ts';

export interface NotificationsOptions {
  readonly database: Database;
  readonly feed: AuditFeed;
  readonly channels: readonly NotificationChannel[];
  readonly alerts: AlertSettings;
  /** Of the ids of e-mails. */
  readonly domain: string;
  readonly onProblem: (problem: string, error: unknown) => void;
  /** Milliseconds between two looks at the audit log. */
  readonly lookEveryMs?: number;
}

export interface Notifications extends AsyncDisposable {
  readonly notifier: ApprovalNotifier;
  /** Begins to look for alerts. */
  start(): Promise<void>;
}

const defaultLookMs = 1_000;
const pruneMs = 3_600_000;
const mostAtOnce = 20;
/** The same problem is told to the operator once in this time. */
const problemMs = 60_000;

/** Opens the channels; alerts are looked for after `start`. */
export function createNotifications(options: NotificationsOptions): Notifications {
  const { database, channels, onProblem } = options;
  const fanOut: FanOut = createFanOut(database, channels, options.domain);
  const watch = createAlertWatch({ database, feed: options.feed, settings: options.alerts });
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function tellAlerts(): Promise<void> {
    const due = await takeDueAlerts(database, mostAtOnce);
    for (const alert of due) {
      try {
        await fanOut.send(alertMessage(alert), stopping.signal);
        await markAlertTold(database, alert.id);
      } catch (thrown) {
        if (stopping.signal.aborted) return;
        onProblem('an alert could not be told; it is tried again', thrown);
      }
    }
  }

  async function work(): Promise<void> {
    let pruned = -Infinity;
    let complained = -Infinity;
    const { signal } = stopping;
    while (!signal.aborted) {
      try {
        while (await watch.look()) signal.throwIfAborted();
        await tellAlerts();
        if (performance.now() - pruned > pruneMs) {
          await prune(database);
          pruned = performance.now();
        }
      } catch (thrown) {
        if (!signal.aborted && performance.now() - complained > problemMs) {
          complained = performance.now();
          onProblem('the audit log could not be looked through for alerts; it is tried again', thrown);
        }
      }
      await sleep(options.lookEveryMs ?? defaultLookMs, undefined, { signal }).catch(() => undefined);
    }
  }

  return {
    notifier: {
      notify: async (notice, signal) => {
        if (channels.length === 0) return;
        const { topic, approval } = notice;
        const { actor, repository } = approval.binding;
        if (topic === 'denied' && actor.kind === 'agent') {
          const denial = { actor: actor.id, repository, request: approval.request, at: approval.stateAt };
          await watch.noteDenial(notice.id, denial);
        }
        // Nobody is reminded of what is decided.
        if (topic === 'reminder' && approval.state !== 'waiting') return;
        await fanOut.send(approvalMessage(notice), signal);
      },
    },
    start: async () => {
      if (channels.length === 0) return;
      await watch.begin();
      running = work();
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await running;
      await fanOut[Symbol.asyncDispose]();
    },
  };
}
